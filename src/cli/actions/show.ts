import type { Backup } from '../../core/catalog.ts';
import type { Recorded } from '../../core/details.ts';
import { DbopsError, hasCode } from '../../core/errors.ts';
import type { TableFacts } from '../../core/facts.ts';
import type { Recall } from '../../operations/recorded.ts';
import { formatBytes, formatDuration, formatTable, formatTime } from '../../report/format.ts';
import { keyringToRead } from '../keys.ts';
import type { CommandResult, Session } from '../session.ts';
import { openSubject, type SelectorFlags } from '../subject.ts';

export async function show(session: Session, word: string, flags: SelectorFlags): Promise<CommandResult> {
  await using opened = await openSubject(session, word, flags);
  const { stored, recall } = opened.subject;
  if (stored === undefined) {
    throw new DbopsError('USAGE', `${word} is a plain file: nothing is recorded of it`, {
      hint: 'Try `dbops verify` on it.',
    });
  }
  const { backup } = stored;
  const { manifest, pinned, good, verifications } = backup;
  const isSealed = manifest.formatVersion !== 1;
  const recorded = isSealed ? await unseal(session, manifest.target, recall, flags) : await recall(session);
  const details = isSealed && recorded !== undefined ? { details: recorded } : {};
  return {
    document: { ok: true, pinned, good, verifications, manifest, ...details },
    text: describe(backup, recorded),
  };
}

/** As far as it needs nobody to be asked; a key that does not fit matters only when it was named. */
async function unseal(
  session: Session,
  target: string,
  recall: Recall,
  flags: SelectorFlags,
): Promise<Recorded | undefined> {
  if (flags.identity !== undefined) return recall(session);
  if (!(await keyringToRead(session, target, flags).atHand(session))) return undefined;
  return recall(session).catch((error: unknown) => {
    if (hasCode(error, 'KEY_REFUSED') || hasCode(error, 'KEY_MISSING')) return undefined;
    throw error;
  });
}

function describe(backup: Backup, recorded: Recorded | undefined): string {
  const { manifest, pinned, good } = backup;
  const took = Date.parse(manifest.finishedAt) - Date.parse(manifest.startedAt);
  const lines: [string, string][] = [
    ['backup', `${manifest.target}/${manifest.id}`],
    ['made', `${formatTime(new Date(manifest.finishedAt))}, in ${formatDuration(took)}`],
    ['state', good ? 'good' : 'NOT SOUND: its last verification failed'],
    ['class', `${manifest.class}${pinned ? ', pinned' : ''}`],
    [
      'tags',
      Object.entries(manifest.tags)
        .map(([name, value]) => `${name}=${value}`)
        .join(', ') || '-',
    ],
    ['database', `${manifest.source.database} on ${manifest.source.host}, ${formatBytes(manifest.source.bytes)}`],
    ['engine', `${manifest.engine} ${manifest.source.serverVersion}`],
    [
      'tools',
      Object.entries(manifest.tools)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ...(recorded?.warnings ?? []).map((warning): [string, string] => ['warning', warning]),
    ...backup.verifications.map((note): [string, string] => [
      'verified',
      `${formatTime(note.at)}, ${note.level}: ${note.ok ? 'sound' : 'NOT SOUND'}`,
    ]),
  ];
  return [
    formatTable(['', ''], lines).trimStart(),
    '',
    formatTable(['PART', 'STORED>', 'RAW>', 'CODEC'], manifest.parts.map(partRow)),
    '',
    tablesOf(recorded),
  ].join('\n');
}

function tablesOf(recorded: Recorded | undefined): string {
  if (recorded === undefined) return 'The tables are encrypted too: name the file of the secret key with --identity.';
  return formatTable(['TABLE', 'ROWS>', 'CONTENT'], (recorded.facts?.tables ?? []).map(tableRow));
}

function partRow({ name, bytes, raw, codecs }: Backup['manifest']['parts'][number]): string[] {
  return [
    name,
    formatBytes(bytes),
    raw === undefined ? '' : formatBytes(raw.bytes),
    codecs.map(({ id }) => id).join(', ') || 'none',
  ];
}

function tableRow({ name, rows, content }: TableFacts): string[] {
  return [name, rows === null ? '?' : String(rows), content ?? ''];
}
