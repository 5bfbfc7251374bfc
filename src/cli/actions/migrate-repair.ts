import { DbopsError } from '../../core/errors.ts';
import { repairLedger, type RepairRequest } from '../../operations/migrate-repair.ts';
import { LOCK_WAIT_MS, migrateRequest, parseVersion, targetToMigrate, type RepairFlags } from '../migrate-request.ts';
import type { CommandResult, Session } from '../session.ts';

export async function repair(session: Session, word: string | undefined, flags: RepairFlags): Promise<CommandResult> {
  const { truth, version, reason } = wordsOf(flags);
  const request = await migrateRequest(session, targetToMigrate(session, word), flags);
  const lockWaitMs = flags.lockWait ?? LOCK_WAIT_MS;
  const { database, name } = await repairLedger({ ...request, truth, version, reason, lockWaitMs }, session.ports);
  return {
    document: { ok: true, database, version, name, truth, reason },
    text: `${version}_${name}: ${told[truth]}`,
  };
}

const told: Readonly<Record<RepairRequest['truth'], string>> = {
  accept: 'its file is what was applied',
  baseline: 'recorded as applied; nothing was run',
  forget: 'recorded as not applied; nothing was run',
};

function wordsOf({
  accept,
  applied,
  forget,
  reason = '',
}: RepairFlags): Pick<RepairRequest, 'truth' | 'version' | 'reason'> {
  const said = [
    { truth: 'accept', version: parseVersion(accept) },
    { truth: 'baseline', version: parseVersion(applied) },
    { truth: 'forget', version: parseVersion(forget) },
  ] as const;
  const [one, ...more] = said.flatMap(({ truth, version }) => (version === undefined ? [] : [{ truth, version }]));
  if (one === undefined || more.length > 0) {
    throw new DbopsError('USAGE', 'one thing is repaired at a time', {
      hint: 'Add one of --accept, --applied and --forget, with a version.',
    });
  }
  if (reason.trim() !== '') return { ...one, reason: reason.trim() };
  throw new DbopsError('USAGE', 'a repair needs a reason', {
    hint: 'Add --reason with some words: the ledger keeps them.',
  });
}
