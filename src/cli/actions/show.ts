import type { Backup } from '../../core/catalog.ts';
import { DbopsError } from '../../core/errors.ts';
import { formatBytes, formatDuration, formatTable, formatTime } from '../../report/format.ts';
import type { CommandResult, Session } from '../session.ts';
import { openSubject, type SelectorFlags } from '../subject.ts';

export async function show(session: Session, word: string, flags: SelectorFlags): Promise<CommandResult> {
  await using opened = await openSubject(session, word, flags);
  const { stored } = opened.subject;
  if (stored === undefined) {
    throw new DbopsError('USAGE', `${word} is a plain file: nothing is recorded of it`, {
      hint: 'Try `dbops verify` on it.',
    });
  }
  const { backup } = stored;
  const { manifest, pinned, good, verifications } = backup;
  return { document: { ok: true, pinned, good, verifications, manifest }, text: describe(backup) };
}

function describe(backup: Backup): string {
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
    ...manifest.warnings.map((warning): [string, string] => ['warning', warning]),
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
    formatTable(['TABLE', 'ROWS>', 'CONTENT'], manifest.facts.tables.map(tableRow)),
  ].join('\n');
}

function partRow({ name, bytes, raw, codecs }: Backup['manifest']['parts'][number]): string[] {
  return [
    name,
    formatBytes(bytes),
    raw === undefined ? '' : formatBytes(raw.bytes),
    codecs.map(({ id }) => id).join(', ') || 'none',
  ];
}

function tableRow({ name, rows, content }: Backup['manifest']['facts']['tables'][number]): string[] {
  return [name, rows === null ? '?' : String(rows), content ?? ''];
}
