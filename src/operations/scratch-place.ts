import type { ScratchPlace } from '../core/ports/engine.ts';
import type { Ports } from './ports.ts';

/**
 * Opens a place for temporary files below `parent`; without one in the system's temporary folder, or nowhere where it is
 * for content that is encrypted: nobody said that the system's disk may hold it.
 */
export async function openScratchPlace(
  encrypted: boolean,
  parent: string | undefined,
  ports: Ports,
): Promise<ScratchPlace & AsyncDisposable> {
  if (encrypted && parent === undefined) {
    return { scratch: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  const scratch = await ports.openScratch(parent ?? ports.temporaryFolder);
  return { scratch: scratch.folder, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
}
