import { DbopsError } from '../../../core/errors.ts';
import { damaged, type Cursor } from './cursor.ts';
import { decodeUnknown } from './encoding.ts';
import type { ArchiveHeader } from './toc.ts';

/** What the versions and widths in a header say about the reading of what follows. */
export interface Layout {
  readonly minor: number;
  readonly intBytes: number;
  readonly offsetBytes: number;
  readonly format: ArchiveHeader['format'];
}

export interface Head {
  readonly header: ArchiveHeader;
  readonly layout: Layout;
}

const compressions = ['none', 'gzip', 'lz4', 'zstd'] as const;
/** By the byte that stands for each; 2 was retired long ago, 4 is no archive but a script. */
const formats: Readonly<Record<number, ArchiveHeader['format']>> = { 1: 'custom', 3: 'tar', 5: 'directory' };
const oldest = 12;
const newest = 16;
/** No name or version comes near it. */
const nameLimit = 64 * 1024;

/** @throws DbopsError DAMAGED when these are no archive's first bytes, SOURCE_REFUSED when its version is not known. */
export function readHeader(cursor: Cursor): Head {
  if (cursor.take(5).toString('latin1') !== 'PGDMP') throw damaged('it is no archive of pg_dump');
  const layout = readLayout(cursor);
  const compression = readCompression(cursor, layout);
  const created = readTime(cursor, layout.intBytes);
  const text = (): string => decodeUnknown(cursor.text(layout.intBytes, nameLimit) ?? Buffer.alloc(0));
  const [database, serverVersion, dumpVersion] = [text(), text(), text()];
  const version = `1.${layout.minor}`;
  return {
    header: { version, serverVersion, dumpVersion, database, created, compression, format: layout.format },
    layout,
  };
}

function readLayout(cursor: Cursor): Layout {
  const [major, minor] = [cursor.byte(), cursor.byte()];
  requireKnown(major, minor);
  // The revision, which changes nothing in the layout.
  cursor.byte();
  const [intBytes, offsetBytes, formatByte] = [cursor.byte(), cursor.byte(), cursor.byte()];
  if (![4, 8].includes(intBytes)) throw damaged(`its integers of ${intBytes} bytes are impossible`);
  if (![4, 8].includes(offsetBytes)) throw damaged(`its offsets of ${offsetBytes} bytes are impossible`);
  const format = formats[formatByte];
  if (format === undefined) throw damaged(`its format ${formatByte} is impossible`);
  return { minor, intBytes, offsetBytes, format };
}

function requireKnown(major: number, minor: number): void {
  if (major === 1 && minor >= oldest && minor <= newest) return;
  const newer = major > 1 || minor > newest;
  throw new DbopsError(
    'SOURCE_REFUSED',
    `archive version ${major}.${minor} is ${newer ? 'newer' : 'older'} than known`,
    {
      hint: newer
        ? 'It may come from a newer pg_dump than this dbops knows: look for a newer dbops.'
        : 'dbops reads archives of pg_dump 9.0 and newer: restore it with its own pg_restore, and dump it again.',
    },
  );
}

/** Version 1.15 (pg_dump 16) names the algorithm; before it there was only gzip, and its level. */
function readCompression(cursor: Cursor, { minor, intBytes }: Layout): ArchiveHeader['compression'] {
  if (minor < 15) return cursor.integer(intBytes) === 0 ? 'none' : 'gzip';
  const algorithm = cursor.byte();
  const compression = compressions[algorithm];
  if (compression === undefined) throw damaged(`its compression ${algorithm} is impossible`);
  return compression;
}

/** Seconds, minutes, hours, day, month from 0, year from 1900, summer time: as C's `struct tm` has them. */
function readTime(cursor: Cursor, intBytes: number): string {
  const fields = Array.from({ length: 7 }, () => cursor.integer(intBytes));
  const [second = 0, minute = 0, hour = 0, day = 0, month = 0, year = 0] = fields;
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${1900 + year}-${two(month + 1)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}`;
}
