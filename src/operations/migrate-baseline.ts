import { DbopsError } from '../core/errors.ts';
import { eventFor, openTarget, readMigrations, refuseProblems, type MigrateRequest } from './migrate-request.ts';
import { lockFor } from './migrate-run.ts';
import type { Ports } from './ports.ts';

export interface BaselineRequest extends MigrateRequest {
  /** The last version that the database has; `0` for none. */
  readonly to: string;
  readonly lockWaitMs: number;
}

export interface BaselineResult {
  readonly database: string;
  readonly recorded: readonly string[];
}

/** Records the files up to a version as applied, without running them. */
export async function migrateBaseline(request: BaselineRequest, ports: Ports): Promise<BaselineResult> {
  // With none of them, it does not matter what they hold.
  const none = { migrations: [], problems: [] };
  const { migrations, problems } =
    request.to === '0' ? none : await readMigrations(request.folder, request.engine.rules);
  refuseProblems(problems);
  await using target = await openTarget(request);
  const { label: database } = target;
  await using held = new AsyncDisposableStack();
  held.use(await lockFor(target, request.lockWaitMs, ports));
  const { applied } = await target.readLedger();
  const known = new Set(applied.map(({ version }) => version));
  const chosen = migrations.filter(({ version }) => version <= request.to && !known.has(version));
  if (request.to !== '0' && !migrations.some(({ version }) => version === request.to)) {
    throw new DbopsError('NOTHING_MATCHES', `there is no migration ${request.to} in ${request.folder.path}`, {
      hint: 'Give the fourteen digits of one of its files, or 0 for none.',
    });
  }
  const events = chosen.map((migration) => ({
    ...eventFor(migration, 'baseline', request, ports),
    checksum: migration.up.checksum,
    meaning: migration.up.meaning,
    rollback: migration.rollback?.text ?? null,
  }));
  await target.prepare();
  await target.record(events, { add: events.map(({ version, id }) => ({ version, event: id })), remove: [] });
  return { database, recorded: events.map(({ version, name }) => `${version}_${name}`) };
}
