import { DbopsError } from './errors.ts';
import type { ScratchPlace } from './ports/engine.ts';

/**
 * The folder for temporary files, for work that cannot be done without one.
 * @throws DbopsError REFUSED
 */
export function scratchOf({ scratch }: ScratchPlace): string {
  if (scratch !== undefined) return scratch;
  throw new DbopsError('REFUSED', 'this would put what the backup encrypts on a disk as plain files', {
    hint: 'Name a folder for them with --scratch-dir or scratchDir, on a disk that may hold them; they are removed afterwards.',
  });
}
