import { resolve } from 'node:path';
import { DbopsError, exitCodeOf } from '../../core/errors.ts';
import type { VerifyLevel } from '../../core/levels.ts';
import { passed, type Verification } from '../../core/records.ts';
import { openStored, type Restorable } from '../../operations/restorable.ts';
import { verify } from '../../operations/verify.ts';
import { formatDuration } from '../../report/format.ts';
import { benchOf } from '../addresses.ts';
import { portsToRead } from '../keys.ts';
import { proofOf } from '../proof.ts';
import type { CommandResult, Session } from '../session.ts';
import { findAll, openSubject, storageOf, type SelectorFlags } from '../subject.ts';

export interface VerifyFlags extends SelectorFlags {
  readonly all?: true;
  readonly level: VerifyLevel;
  readonly scratchDir?: string;
  readonly scratchUrl?: string;
}

interface Verdict {
  readonly label: string;
  readonly verification: Verification;
  /** Nothing is known of what it should hold. */
  readonly isForeign: boolean;
}

export async function verifyOne(
  session: Session,
  word: string | undefined,
  flags: VerifyFlags,
): Promise<CommandResult> {
  await using opened = await openSubject(session, word ?? 'latest', flags);
  return present([await judge(session, opened.subject, flags)], []);
}

export async function verifyAll(
  session: Session,
  word: string | undefined,
  flags: VerifyFlags,
): Promise<CommandResult> {
  if (word !== undefined)
    throw new DbopsError('USAGE', '--all and a backup exclude each other', { hint: 'Leave one out.' });
  await using storage = await storageOf(session, flags);
  const { backups, broken } = await findAll(session, storage, flags);
  const unread = broken.find(({ unread: error }) => error !== undefined)?.unread;
  if (unread !== undefined) throw unread;
  if (backups.length === 0 && broken.length === 0) {
    throw new DbopsError('NOTHING_MATCHES', `no backup to verify in ${storage.label}`, {
      hint: 'Check --storage and --target.',
    });
  }
  const verdicts: Verdict[] = [];
  for (const backup of backups) {
    const ports = portsToRead(session, backup.manifest.target, flags);
    verdicts.push(await judge(session, await openStored({ storage, backup }, ports), flags));
  }
  return present(verdicts, broken);
}

async function judge(session: Session, subject: Restorable, flags: VerifyFlags): Promise<Verdict> {
  const { settings, host, ports, signal } = session;
  const name = subject.stored?.backup.manifest.target;
  const checks = name === undefined ? [] : (settings.configured(name)?.checks ?? []);
  const chosen = flags.scratchDir === undefined ? settings.scratchDir : resolve(host.cwd, flags.scratchDir);
  const scratchParent = chosen ?? (subject.encrypted ? undefined : subject.stored?.storage.traits.scratchParent);
  const bench = benchOf(session, name === undefined ? undefined : settings.configured(name), flags.scratchUrl);
  return {
    label: subject.label,
    isForeign: subject.stored === undefined,
    verification: await verify({ subject, level: flags.level, checks, scratchParent, bench, signal }, ports),
  };
}

function present(verdicts: readonly Verdict[], broken: readonly { prefix: string; reason: string }[]): CommandResult {
  const ok = broken.length === 0 && verdicts.every(({ verification }) => passed(verification));
  const exitCode = ok ? 0 : exitCodeOf(new DbopsError('VERIFY_FAILED', ''));
  const results = verdicts.map(({ label, verification }) => ({ backup: label, ...verification }));
  const unsound = [
    ...verdicts.filter(({ verification }) => !verification.ok).map(({ label }) => label),
    ...broken.map(({ prefix }) => prefix),
  ];
  const unchecked = verdicts.filter(({ verification }) => verification.ok && !passed(verification));
  const failures = [
    ...(unsound.length === 0 ? [] : [`not sound: ${unsound.join(', ')}`]),
    ...(unchecked.length === 0 ? [] : [`a check could not run: ${unchecked.map(({ label }) => label).join(', ')}`]),
  ];
  const text = [
    ...verdicts.map(describe),
    ...broken.map(({ prefix, reason }) => `${prefix}\n  NOT SOUND:\n    ${reason}`),
  ];
  return {
    exitCode,
    document: { ok, exitCode, results, broken: broken.map(({ prefix, reason }) => ({ folder: prefix, reason })) },
    text: text.join('\n'),
    ...(ok ? {} : { failure: failures.join('; ') }),
  };
}

function describe({ label, verification, isForeign }: Verdict): string {
  const ran = verification.checks.filter(({ error }) => error === undefined);
  const checks = ran.map(({ name, ok }) => `  check ${JSON.stringify(name)}: ${ok ? 'passed' : 'FAILED'}`);
  const warnings = verification.warnings.map((warning) => `  warning: ${warning}`);
  const took = `  took ${formatDuration(verification.durationMs)}`;
  return [label, proofOf(verification, isForeign), ...checks, ...warnings, took].join('\n');
}
