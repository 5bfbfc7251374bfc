import type { Toc } from './toc.ts';

/** What an archive proved to be. */
export interface Inspection {
  /** Absent when it could not be read; then `problems` says why. */
  readonly toc: Toc | undefined;
  /** One line each, naming what is wrong; none for a whole archive. */
  readonly problems: readonly string[];
}
