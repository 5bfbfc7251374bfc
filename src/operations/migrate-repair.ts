import { DbopsError } from '../core/errors.ts';
import type { LedgerEvent } from '../core/migrations/ledger.ts';
import { judge, type MigrationStanding, type MigrationState } from '../core/migrations/plan.ts';
import type { LedgerChange } from '../core/ports/migration-target.ts';
import { eventFor, openTarget, readMigrations, type MigrateRequest } from './migrate-request.ts';
import { lockFor } from './migrate-run.ts';
import type { Ports } from './ports.ts';

export interface RepairRequest extends MigrateRequest {
  readonly truth: 'accept' | 'baseline' | 'forget';
  readonly version: string;
  readonly reason: string;
  readonly lockWaitMs: number;
}

/** Which states each can be said of; of others it would say nothing, or something false. */
const fits: Readonly<Record<RepairRequest['truth'], readonly MigrationState[]>> = {
  accept: ['edited', 'applied'],
  baseline: ['pending', 'out-of-order', 'unfinished'],
  forget: ['applied', 'edited', 'missing', 'unfinished'],
};

/**
 * Appends what somebody knows of one migration to the ledger. Runs nothing of it.
 * @throws DbopsError NOTHING_MATCHES, REFUSED
 */
export async function repairLedger(
  request: RepairRequest,
  ports: Ports,
): Promise<{ readonly database: string; readonly name: string }> {
  const { version, truth, reason } = request;
  const { migrations } = await readMigrations(request.folder, request.engine.rules);
  await using target = await openTarget(request);
  await using held = new AsyncDisposableStack();
  held.use(await lockFor(target, request.lockWaitMs, ports));
  const standing = judge(migrations, await target.readLedger()).find((each) => each.version === version);
  if (standing === undefined) {
    throw new DbopsError('NOTHING_MATCHES', `no migration ${version} is in the folder or in the ledger`, {
      hint: 'See `dbops migrate status`.',
    });
  }
  if (!fits[truth].includes(standing.state)) {
    throw new DbopsError('REFUSED', `${version}_${standing.name} is ${standing.state}, of which this cannot be said`, {
      hint: 'See `dbops migrate status`, and `dbops migrate repair --help`.',
    });
  }
  const event = { ...eventFor(standing, truth, request, ports), ...textsOf(standing), reason };
  await target.prepare();
  await target.record([event], changeOf(event));
  return { database: target.label, name: standing.name };
}

function textsOf({ migration, event }: MigrationStanding): Pick<LedgerEvent, 'checksum' | 'meaning' | 'rollback'> {
  const { checksum, meaning } = migration?.up ?? event ?? { checksum: null, meaning: null };
  return { checksum, meaning, rollback: migration?.rollback?.text ?? null };
}

function changeOf({ kind, version, id }: LedgerEvent): LedgerChange {
  return {
    add: kind === 'baseline' ? [{ version, event: id }] : [],
    remove: kind === 'forget' ? [version] : [],
  };
}
