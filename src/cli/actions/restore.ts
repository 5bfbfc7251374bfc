import { dirname, resolve } from 'node:path';
import type { Target } from '../../config/settings.ts';
import { DbopsError } from '../../core/errors.ts';
import type { RestoreOptions } from '../../core/ports/engine.ts';
import type { Restorable } from '../../operations/restorable.ts';
import { exportTables, restoreTables } from '../../operations/restore-tables.ts';
import {
  planRestore,
  restore,
  type RestorePlan,
  type RestoreRequest,
  type RestoreResult,
} from '../../operations/restore.ts';
import { plain } from '../../report/format.ts';
import { addressOf, benchOf } from '../addresses.ts';
import { missingName, refuseInsideBackup, refuseUnfit, type Demand } from '../consent.ts';
import type { CommandResult, Session } from '../session.ts';
import { openSubject, type SelectorFlags } from '../subject.ts';

export interface RestoreFlags extends SelectorFlags {
  readonly into?: string;
  readonly table?: readonly string[];
  readonly asSql?: string;
  readonly overwrite?: true;
  readonly allowOpen?: true;
  readonly yesReplace?: string;
  /** False by `--no-checks`. */
  readonly checks: boolean;
  readonly create?: true;
  readonly replace?: true;
  readonly owner?: true;
  readonly acl?: true;
  readonly globals?: true;
  readonly jobs?: number;
  readonly schemaOnly?: true;
  readonly cleanRoom?: true;
  readonly keepGoing?: true;
  readonly allowCommands?: true;
  /** False by `--no-analyze`. */
  readonly analyze: boolean;
  readonly dropOld?: true;
  readonly scratchDir?: string;
  readonly dryRun?: true;
}

export async function run(session: Session, word: string, flags: RestoreFlags): Promise<CommandResult> {
  if (flags.asSql !== undefined && flags.table === undefined) {
    throw new DbopsError('USAGE', '--as-sql needs --table', { hint: 'Name the tables to write.' });
  }
  if (flags.create === true && flags.replace === true) {
    throw new DbopsError('USAGE', '--create and --replace exclude each other', { hint: 'Leave one out.' });
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
  if (into !== undefined) return sameKind(session, subject, session.targetOf(into));
  const origin = subject.stored?.backup.manifest.target;
  const target = origin === undefined ? undefined : session.settings.configured(origin);
  if (target !== undefined) return target;
  // The scripts that had only variables restored into the database of those variables.
  const address = session.settings.environmentAddress();
  const named = origin === undefined || address === undefined ? undefined : session.targetOf(address);
  if (named !== undefined && named.name === origin) return named;
  throw new DbopsError('USAGE', 'it is not clear where to restore to', {
    hint: 'Add --into with a path, the address of a database, or a configured target.',
  });
}

function sameKind({ world }: Session, { engine, label }: Restorable, target: Target): Target {
  const { name } = world.engineForAddress(target.address);
  if (name === engine.name) return target;
  throw new DbopsError('USAGE', `${label} is of ${engine.name}, and --into names a database of ${name}`, {
    hint: engine.name === 'sqlite' ? 'Name a file.' : 'Name an address such as postgresql://user@host/name.',
  });
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
    checks: checksFor(session, subject, target, flags),
    options: optionsOf(flags),
    cleanRoom: flags.cleanRoom === true ? benchOf(session, target) : undefined,
    dropOld: flags.dropOld === true,
    ...scratchOf(session, flags.scratchDir),
    signal: session.signal,
  };
  const plan = await planRestore(request, session.ports);
  await refuseUnfit(session, target, plan.into);
  const demand = missingName(session, { subject, target, into: plan.into, named: flags.yesReplace });
  if (flags.dryRun === true) return describePlan(plan, needsOf(session, plan, flags, demand));
  const replace = plan.replaces && (await mayReplace(session, plan.into, flags, demand));
  const result = await restore({ ...request, replace }, session.ports);
  return {
    document: { ok: true, ...result },
    text: '',
    exactLines: [`restored ${result.from} into ${result.into}`, ...undoLines(result)],
  };
}

function optionsOf(flags: RestoreFlags): RestoreOptions {
  return {
    owner: flags.owner === true,
    acl: flags.acl === true,
    globals: flags.globals === true,
    ...(flags.jobs === undefined ? {} : { jobs: flags.jobs }),
    schemaOnly: flags.schemaOnly === true,
    keepGoing: flags.keepGoing === true,
    allowCommands: flags.allowCommands === true,
    skipAnalyze: !flags.analyze,
  };
}

function scratchOf({ settings, host }: Session, folder: string | undefined): { scratchParent?: string } {
  const chosen = folder === undefined ? settings.scratchDir : resolve(host.cwd, folder);
  return chosen === undefined ? {} : { scratchParent: chosen };
}

function undoLines({ kept, undo, drop }: RestoreResult): string[] {
  if (kept === undefined || undo === undefined) return [];
  // A command with escaped control characters would be about other files.
  const printable = plain(undo) === undo;
  return [
    `kept: ${kept}`,
    printable ? `undo: ${undo}` : 'undo: move that file back by hand; its path cannot be printed as a command',
    ...(printable && drop !== undefined ? [`drop: ${drop}`] : []),
  ];
}

/** The checks of the target that is restored to, or of the one the backup came from. */
function checksFor(
  { settings }: Session,
  { stored }: Restorable,
  target: Target,
  flags: RestoreFlags,
): Target['checks'] {
  if (!flags.checks) return [];
  const origin = stored?.backup.manifest.target;
  return target.named || origin === undefined ? target.checks : (settings.configured(origin)?.checks ?? []);
}

/** The flags without which this restore would be refused. */
function needsOf(session: Session, plan: RestorePlan, flags: RestoreFlags, demand: Demand | undefined): string[] {
  const agreed = hasAgreed(session, flags);
  return [
    ...(plan.replaces && demand !== undefined ? [demand.flag] : []),
    ...(plan.replaces && demand === undefined && !agreed ? ['--yes'] : []),
    ...(plan.users.length > 0 && flags.allowOpen !== true ? ['--allow-open'] : []),
  ];
}

function describePlan(plan: RestorePlan, needs: readonly string[]): CommandResult {
  const lines = [
    ...plan.steps.map((step) => `  - ${step}`),
    ...(plan.users.length === 0 ? [] : [`in use by ${plan.users.join(', ')}`]),
    ...(needs.length === 0 ? [] : [`would be refused without ${needs.join(' and ')}`]),
  ];
  return {
    document: { ok: true, dryRun: true, plan: { ...plan, needs } },
    text: [`would restore ${plan.from} into ${plan.into}:`, ...lines].join('\n'),
  };
}

function hasAgreed(session: Session, { create, replace, yesReplace }: RestoreFlags): boolean {
  return create !== true && (replace === true || yesReplace !== undefined || session.flags.yes === true);
}

async function mayReplace(
  session: Session,
  into: string,
  flags: RestoreFlags,
  demand: Demand | undefined,
): Promise<boolean> {
  if (demand !== undefined) throw demand.error;
  if (hasAgreed(session, flags)) return true;
  if (!session.host.interactive || flags.create === true) return false;
  const answer = await session.host.ask(`${into} exists. Replace it (it is kept beside the new one)? [y/N] `);
  return /^y(es)?$/i.test(answer.trim());
}

async function restoreSome(
  session: Session,
  subject: Restorable,
  target: Target,
  flags: RestoreFlags,
  tables: readonly string[],
): Promise<CommandResult> {
  const destination = addressOf(session, target);
  const into = destination.location;
  const overwrite = flags.overwrite === true;
  await refuseUnfit(session, target, into);
  const demand = missingName(session, { subject, target, into, named: flags.yesReplace });
  if (flags.dryRun === true) {
    await refuseUnknownTables(session, subject, tables);
    const { exists } = await subject.engine.survey(destination, { signal: session.signal });
    const needs = exists && overwrite && demand !== undefined ? [demand.flag] : [];
    const text = [
      `would restore ${tables.join(', ')} of ${subject.label} into ${into}`,
      ...(exists && !overwrite ? ['would be refused without --overwrite where such a table exists'] : []),
      ...needs.map((flag) => `would be refused without ${flag}`),
    ].join('\n');
    return { document: { ok: true, dryRun: true, from: subject.label, into, tables, needs }, text };
  }
  if (overwrite && demand !== undefined) throw demand.error;
  const result = await restoreTables(
    {
      subject,
      destination,
      tables,
      overwrite,
      ...scratchOf(session, flags.scratchDir),
      signal: session.signal,
    },
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

/** As far as this is known without reading rows; a restore itself looks into the copy. */
async function refuseUnknownTables(
  { signal }: Session,
  { engine, parts, recall, label }: Restorable,
  tables: readonly string[],
): Promise<void> {
  const { facts: recorded } = await recall({ signal });
  const [unknown] = await engine.unknownTables(parts, tables, { recorded, signal });
  if (unknown === undefined) return;
  throw new DbopsError('NOTHING_MATCHES', `${label} has no table ${JSON.stringify(unknown)}`, {
    hint: 'See its tables with `dbops show`.',
  });
}

async function writeSql(
  session: Session,
  subject: Restorable,
  flags: RestoreFlags,
  to: string,
): Promise<CommandResult> {
  const file = resolve(session.host.cwd, to);
  const tables = flags.table ?? [];
  refuseInsideBackup(file);
  if (flags.dryRun === true) {
    await refuseUnknownTables(session, subject, tables);
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
