import { resolve } from 'node:path';
import { DbopsError } from '../../core/errors.ts';
import type { Host } from '../host.ts';
import type { CommandResult } from '../session.ts';
import type { World } from '../world.ts';

export interface GenerateFlags {
  readonly output?: string;
  readonly json?: true;
}

/** The secret key goes into a new file; to stdout only where that is asked for, by `--output -`. */
export async function generate(host: Host, world: World, { output, json }: GenerateFlags): Promise<CommandResult> {
  if (output === undefined) {
    throw new DbopsError('USAGE', 'a file for the secret key is missing', {
      hint: 'Add --output key.txt, or --output - to print it.',
    });
  }
  if (output === '-' && json === true) {
    throw new DbopsError('USAGE', '--output - prints the secret key, and --json a document', {
      hint: 'Leave one out.',
    });
  }
  const file = output === '-' ? undefined : resolve(host.cwd, output);
  const { recipient, text } = await world.generateKey(file);
  const document = { ok: true, file: file ?? null, recipient };
  if (file === undefined) return { document, text: '', exactLines: text.trimEnd().split('\n') };
  return { document, text: '', exactLines: [`secret key: ${file}`, `recipient: ${recipient}`] };
}
