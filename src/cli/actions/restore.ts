import { dirname, resolve } from 'node:path';
import type { Target } from '../../config/settings.ts';
import { DbopsError } from '../../core/errors.ts';
import type { Restorable } from '../../operations/restorable.ts';
import { exportTables, restoreTables } from '../../operations/restore-tables.ts';
import { planRestore, restore, type RestoreRequest, type RestoreResult } from '../../operations/restore.ts';
import { plain } from '../../report/format.ts';
import { addressOf } from '../run-backup.ts';
import type { CommandResult, Session } from '../session.ts';
import { openSubject, type SelectorFlags } from '../subject.ts';

export interface RestoreFlags extends SelectorFlags {
  readonly into?: string;
  readonly table?: readonly string[];
  readonly asSql?: string;
  readonly overwrite?: true;
  readonly allowOpen?: true;
  readonly yesReplace?: string;
  readonly dryRun?: true;
}

export async function run(session: Session, word: string, flags: RestoreFlags): Promise<CommandResult> {
  if (flags.asSql !== undefined && flags.table === undefined) {
    throw new DbopsError('USAGE', '--as-sql needs --table', { hint: 'Name the tables to write.' });
  }
  if (flags.overwrite === true && flags.table === undefined) {
    throw new DbopsError('USAGE', '--overwrite is for --table', { hint: 'To replace a whole database, use --yes.' });
  }
  await using opened = await openSubject(session, word, flags);
  const { subject } = opened;
  if (flags.asSql !== undefined) return writeSql(session, subject, flags, flags.asSql);
  const target = destinationOf(session, subject, flags);
  return flags.table === undefined
    ? restoreWhole(session, subject, target, flags)
    : restoreSome(session, subject, target, flags, flags.table);
}

function destinationOf(session: Session, subject: Restorable, { into }: RestoreFlags): Target {
  if (into !== undefined) return session.targetOf(into);
  const origin = subject.stored?.backup.manifest.target;
  const target = origin === undefined ? undefined : session.settings.configured(origin);
  if (target !== undefined) return target;
  throw new DbopsError('USAGE', 'it is not clear where to restore to', { hint: 'Add --into <path>.' });
}

async function restoreWhole(
  session: Session,
  subject: Restorable,
  target: Target,
  flags: RestoreFlags,
): Promise<CommandResult> {
  const request: RestoreRequest = {
    subject,
    destination: addressOf(session, target),
    replace: false,
    allowOpen: flags.allowOpen === true,
    checks: checksFor(session, subject, target),
    signal: session.signal,
  };
  const plan = await planRestore(request, session.ports);
  if (flags.dryRun === true) {
    const inUse =
      plan.users.length === 0 ? [] : [`in use by ${plan.users.join(', ')}: would be refused without --allow-open`];
    const text = [
      `would restore ${plan.from} into ${plan.into}:`,
      ...plan.steps.map((step) => `  - ${step}`),
      ...inUse,
    ].join('\n');
    return { document: { ok: true, dryRun: true, plan }, text };
  }
  const replace = plan.replaces && (await mayReplace(session, target, plan.into, flags));
  const result = await restore({ ...request, replace }, session.ports);
  return {
    document: { ok: true, ...result },
    text: '',
    exactLines: [`restored ${result.from} into ${result.into}`, ...undoLines(result)],
  };
}

function undoLines({ kept, undo }: RestoreResult): string[] {
  if (kept === undefined || undo === undefined) return [];
  // A command with escaped control characters would be about other files.
  const printable = plain(undo) === undo;
  return [
    `kept: ${kept}`,
    printable ? `undo: ${undo}` : 'undo: move that file back by hand; its path cannot be printed as a command',
  ];
}

/** The checks of the target that is restored to, or of the one the backup came from. */
function checksFor({ settings }: Session, { stored }: Restorable, target: Target): Target['checks'] {
  const origin = stored?.backup.manifest.target;
  return target.named || origin === undefined ? target.checks : (settings.configured(origin)?.checks ?? []);
}

async function mayReplace(session: Session, target: Target, into: string, flags: RestoreFlags): Promise<boolean> {
  const guarded = protectedTarget(session, target, into);
  if (guarded !== undefined) {
    if (flags.yesReplace === guarded) return true;
    throw new DbopsError('REFUSED', `${into} is the protected target ${guarded}`, {
      hint: `Add --yes-replace ${guarded} if that database is really to be replaced.`,
    });
  }
  if (flags.yesReplace !== undefined || session.flags.yes === true) return true;
  if (!session.host.interactive) return false;
  const answer = await session.host.ask(`${into} exists. Replace it (it is kept beside the new one)? [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

/** A protected database stays protected when it is named by its path instead of its name. */
function protectedTarget(session: Session, target: Target, into: string): string | undefined {
  if (target.protected) return target.name;
  const others = session.settings.targetNames.map((name) => session.targetOf(name)).filter((other) => other.protected);
  return others.find((other) => addressOf(session, other).location === into)?.name;
}

async function restoreSome(
  session: Session,
  subject: Restorable,
  target: Target,
  flags: RestoreFlags,
  tables: readonly string[],
): Promise<CommandResult> {
  const destination = addressOf(session, target);
  const overwrite = flags.overwrite === true;
  if (flags.dryRun === true) {
    const text = `would restore ${tables.join(', ')} of ${subject.label} into ${destination.location}`;
    return { document: { ok: true, dryRun: true, from: subject.label, into: destination.location, tables }, text };
  }
  const guarded = overwrite ? protectedTarget(session, target, destination.location) : undefined;
  if (guarded !== undefined && flags.yesReplace !== guarded) {
    throw new DbopsError('REFUSED', `${destination.location} is the protected target ${guarded}`, {
      hint: `Add --yes-replace ${guarded} if its tables are really to be replaced.`,
    });
  }
  const result = await restoreTables(
    { subject, destination, tables, overwrite, signal: session.signal },
    session.ports,
  );
  const kept = result.kept === undefined ? [] : [`kept: ${result.kept}`];
  const lines = result.tables.map(({ name, rows }) => `restored table ${name}: ${rows} rows`);
  return {
    document: { ok: true, from: subject.label, into: destination.location, ...result },
    text: lines.join('\n'),
    exactLines: kept,
  };
}

async function writeSql(
  session: Session,
  subject: Restorable,
  flags: RestoreFlags,
  to: string,
): Promise<CommandResult> {
  const file = resolve(session.host.cwd, to);
  const tables = flags.table ?? [];
  if (flags.dryRun === true) {
    const text = `would write ${tables.join(', ')} of ${subject.label} as SQL to ${file}`;
    return { document: { ok: true, dryRun: true, from: subject.label, file, tables }, text };
  }
  const request = { subject, tables, file, scratchParent: dirname(file), signal: session.signal };
  const result = await exportTables(request, session.ports);
  const lines = result.tables.map(({ name, rows }) => `wrote table ${name}: ${rows} rows`);
  return {
    document: { ok: true, from: subject.label, file, tables: result.tables },
    text: lines.join('\n'),
    exactLines: [file],
  };
}
