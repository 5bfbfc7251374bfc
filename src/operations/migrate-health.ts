import type { LedgerEvent } from '../core/migrations/ledger.ts';
import { judge } from '../core/migrations/plan.ts';
import { openTarget, readMigrations, type MigrateRequest } from './migrate-request.ts';

export interface MigrateHealth {
  readonly database: string;
  /** What somebody has to look at; empty when all is well. */
  readonly findings: readonly string[];
  /** Migrations that are only waiting. */
  readonly pending: number;
}

/** Everything that can be known of a migrated database without changing it. */
export async function migrateHealth(request: MigrateRequest): Promise<MigrateHealth> {
  const { migrations, problems } = await readMigrations(request.folder, request.engine.rules);
  await using target = await openTarget(request);
  const ledger = await target.readLedger();
  const standings = judge(migrations, ledger);
  const odd = standings.filter(({ state }) => state !== 'applied' && state !== 'pending');
  const recorded = lastFingerprint(ledger.events);
  const drift = recorded !== undefined && isOther(recorded, await target.fingerprint());
  return {
    database: target.label,
    pending: standings.filter(({ state }) => state === 'pending').length,
    findings: [
      ...problems,
      ...odd.map(({ version, name, state }) => `${version}_${name} is ${state}`),
      ...(ledger.state === 'absent' && ledger.populated ? ['there are tables, and no ledger'] : []),
      ...(drift ? ['the schema is not the one that the last migration left: something else has changed it since'] : []),
      ...(await target.inspect()),
    ],
  };
}

/** Undefined where the last change took none: it would be compared with an older state. */
function lastFingerprint(events: readonly LedgerEvent[]): string | undefined {
  const last = events.findLast(({ kind, outcome }) => ['up', 'rollback'].includes(kind) && outcome !== 'failed');
  return last?.schemaAfter ?? undefined;
}

/** Only digests that were made in one way can be compared. */
function isOther(recorded: string, found: string): boolean {
  return recorded.split(':')[0] === found.split(':')[0] && recorded !== found;
}
