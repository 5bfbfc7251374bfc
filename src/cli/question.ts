import { createInterface } from 'node:readline';
import { DbopsError } from '../core/errors.ts';

/** Asks somebody at a terminal. The end of the input (Ctrl-D) is an empty answer; Ctrl-C stops the run. */
export async function askAt(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const terminal = createInterface({ input, output });
  try {
    return await new Promise<string>((resolve, reject) => {
      // While it asks, the terminal sends no signal for Ctrl-C.
      terminal.once('SIGINT', () => reject(new DbopsError('INTERRUPTED', 'stopped by Ctrl-C (exit 130)')));
      terminal.once('close', () => resolve(''));
      terminal.question(question, resolve);
    });
  } finally {
    terminal.close();
  }
}
