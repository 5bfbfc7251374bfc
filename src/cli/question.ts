import { createInterface, type Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { DbopsError } from '../core/errors.ts';

/** Asks somebody at a terminal. The end of the input (Ctrl-D) is an empty answer; Ctrl-C stops the run. */
export async function askAt(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  return answerAt(createInterface({ input, output }), question);
}

/** The same without showing what is typed. */
export async function askSecretAt(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  output.write(question);
  try {
    return await answerAt(createInterface({ input, output: nowhere, terminal: true, historySize: 0 }), '');
  } finally {
    output.write('\n');
  }
}

async function answerAt(terminal: Interface, question: string): Promise<string> {
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
