import type { Backup, BrokenBackup } from '../../core/catalog.ts';
import { exitCodeOf } from '../../core/errors.ts';
import { storedBytes } from '../../core/manifest.ts';
import { formatAge, formatBytes, formatTable } from '../../report/format.ts';
import type { CommandResult, Session } from '../session.ts';
import { findAll, isMissing, otherStorages, storageOf, type SelectorFlags } from '../subject.ts';

export async function list(session: Session, flags: SelectorFlags): Promise<CommandResult> {
  await using storage = await storageOf(session, flags);
  const { backups, broken } = await findAll(session, storage, flags);
  return {
    document: {
      ok: broken.every(({ unread }) => unread === undefined),
      storage: storage.label,
      backups: backups.map(summaryOf),
      broken: broken.map(brokenOf),
    },
    ...failureOf(broken),
    text: [
      describe(backups, broken, session, isMissing(storage) ? `${storage.label}, which does not exist` : storage.label),
      ...otherStorages(session, flags).map((other) => `not listed: --storage ${other}`),
    ].join('\n'),
  };
}

/** A storage that does not give what it lists has not been listed; a damaged manifest is a finding like any other. */
function failureOf(broken: readonly BrokenBackup[]): Partial<CommandResult> {
  const unread = broken.flatMap(({ unread: error }) => (error === undefined ? [] : [error]));
  const [first] = unread;
  if (first === undefined) return {};
  return { exitCode: exitCodeOf(first), failure: `${unread.length} backups could not be read: ${first.message}` };
}

function describe(
  backups: readonly Backup[],
  broken: readonly BrokenBackup[],
  session: Session,
  label: string,
): string {
  const now = session.ports.clock.now();
  const rows = backups.map((backup) => rowOf(backup, now));
  const table =
    rows.length === 0
      ? `no backups in ${label}`
      : formatTable(['TARGET', 'ID', 'AGE>', 'CLASS', 'SIZE>', 'STORED>', 'VERIFIED', 'NOTES'], rows);
  return [table, ...broken.map(({ prefix, reason }) => `UNREADABLE: ${prefix}: ${reason}`)].join('\n');
}

function rowOf(backup: Backup, now: Date): string[] {
  const { manifest } = backup;
  return [
    manifest.target,
    manifest.id,
    formatAge(new Date(manifest.finishedAt), now),
    manifest.class,
    formatBytes(manifest.source.bytes),
    formatBytes(storedBytes(manifest)),
    verifiedOf(backup, now),
    notesOf(backup).join(', '),
  ];
}

function verifiedOf({ verifications, good }: Backup, now: Date): string {
  const last = verifications.toSorted((a, b) => a.at.getTime() - b.at.getTime()).at(-1);
  if (last === undefined) return '-';
  return good ? `${last.level}, ${formatAge(last.at, now)}` : `FAILED, ${formatAge(last.at, now)}`;
}

function notesOf({ manifest, pinned }: Backup): string[] {
  const tags = Object.entries(manifest.tags).map(([name, value]) => `${name}=${value}`);
  const warnings = manifest.warnings.length === 0 ? [] : [`${manifest.warnings.length} warnings`];
  return [...(pinned ? ['pinned'] : []), ...tags, ...warnings];
}

/** A backup as it stands in JSON documents. */
function summaryOf({ manifest, pinned, good, verifications }: Backup): object {
  return {
    id: manifest.id,
    target: manifest.target,
    engine: manifest.engine,
    class: manifest.class,
    tags: manifest.tags,
    startedAt: manifest.startedAt,
    finishedAt: manifest.finishedAt,
    sourceBytes: manifest.source.bytes,
    storedBytes: storedBytes(manifest),
    pinned,
    good,
    verifications,
    warnings: manifest.warnings,
  };
}

function brokenOf({ prefix, reason }: { prefix: string; reason: string }): object {
  return { folder: prefix, reason };
}
