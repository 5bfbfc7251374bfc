import type { Query } from '../connection/query.ts';
import { planDefinitions } from '../facts/definitions.ts';
import { resolveSelection } from '../facts/resolved-selection.ts';
import { inSavepoint } from '../facts/savepoint.ts';
import { applySettings } from '../facts/session-settings.ts';
import { readVersion, sha256 } from '../facts/sql-text.ts';
import type { LedgerTable } from './ledger-table.ts';

/**
 * A digest of all definitions but those of the ledger, for the transaction that is open; settings stay as they are. The
 * major version stands before it: another one prints views and functions in other words.
 */
export async function fingerprint(
  query: Query,
  { versions, log }: LedgerTable,
  lockTimeoutMs: number,
): Promise<string> {
  return inSavepoint(query, async () => {
    await applySettings(query, lockTimeoutMs);
    const version = await readVersion(query);
    const selection = await resolveSelection(query, { excludeTables: [versions, log] });
    const { tasks, finish } = planDefinitions(selection, version);
    for (const task of tasks) await task(query);
    return `pg${Math.trunc(version / 10_000)}:${sha256(JSON.stringify(finish()))}`;
  });
}
