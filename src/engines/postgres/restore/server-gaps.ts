import type { Toc } from '../archive/toc.ts';
import type { Server } from './server.ts';

/** How an archive is restored on a server that lacks what only concerns the server. */
export interface ServerGaps {
  /** Arguments of pg_restore. */
  readonly args: readonly string[];
  readonly warnings: readonly string[];
}

/**
 * Tables of a tablespace that the server does not have go where the others are. Labels need the module that gives them a
 * meaning, which a server of no other use does not have.
 */
export async function findServerGaps(toc: Toc | undefined, { session, throwAway }: Server): Promise<ServerGaps> {
  const used = new Set((toc?.entries ?? []).flatMap(({ tablespace }) => (tablespace ? [tablespace] : [])));
  const rows = used.size === 0 ? [] : await session.query('SELECT spcname AS name FROM pg_catalog.pg_tablespace');
  const missing = [...used].filter((name) => !rows.some((row) => row['name'] === name));
  const unlabelled = throwAway && toc?.entries.some(({ desc }) => desc === 'SECURITY LABEL') === true;
  return {
    args: [...(missing.length === 0 ? [] : ['--no-tablespaces']), ...(unlabelled ? ['--no-security-labels'] : [])],
    warnings: [
      ...(missing.length === 0
        ? []
        : [`the server lacks the tablespaces ${missing.join(', ')}: what was there is in the default one`]),
      ...(unlabelled ? ['security labels were not tried: a test server does not know them'] : []),
    ],
  };
}
