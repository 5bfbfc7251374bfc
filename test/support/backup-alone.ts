import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { DbopsError, exitCodeOf } from '../../src/core/errors.ts';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import { openDump } from './open-dump.ts';

/** Runs one dump for tests that need another user: prints the rows of each table, or exits as dbops would. */
export async function backUp(source: string, folder: string): Promise<void> {
  const signal = new AbortController().signal;
  const request = { scratch: await mkdtemp(join(folder, 'scratch-')), facts: 'rows', signal } as const;
  try {
    const address = { location: source, lockTimeoutMs: 500 };
    await using dump = await openDump(sqliteEngine, address, request);
    const { facts } = await dump.finish();
    console.log(facts?.tables.map(({ rows }) => rows).join('\n'));
  } catch (error) {
    console.error(error instanceof DbopsError ? error.message : error);
    process.exitCode = exitCodeOf(error);
  }
}
