import { damaged, type Cursor } from './cursor.ts';
import type { Decode } from './encoding.ts';
import type { Layout } from './header.ts';
import { tocLimits, type TocEntry } from './toc.ts';

/** The flag of an offset that was written once it was known; otherwise the bytes after it say nothing. */
const offsetKnown = 2;
const highestFlag = 3;

/**
 * Reads one entry. The access method came with version 1.14 (pg_dump 12), the kind of relation with 1.16 (pg_dump 17).
 * @throws DbopsError DAMAGED for what no pg_dump writes.
 */
export function readEntry(cursor: Cursor, layout: Layout, decode: Decode): TocEntry {
  const integer = (): number => cursor.integer(layout.intBytes);
  const text = (): string | undefined => {
    const bytes = cursor.text(layout.intBytes, tocLimits.bytes);
    return bytes === undefined || bytes.length === 0 ? undefined : decode(bytes);
  };
  const dumpId = readDumpId(integer());
  const hasData = integer() !== 0;
  // The catalogue's and the object's own id: of the server that was, and of no use elsewhere.
  void [text(), text()];
  const [tag, desc] = [text() ?? '', text() ?? ''];
  // The section, which the kind says as well.
  integer();
  const [definition, dropStatement, copyStatement] = [text() ?? '', text() ?? '', text()];
  const [namespace, tablespace] = [text(), text()];
  const tableAccessMethod = layout.minor >= 14 ? text() : undefined;
  if (layout.minor >= 16) integer();
  const owner = text();
  // Tables with OIDs have gone with PostgreSQL 12.
  text();
  const dependencies = readDependencies(cursor, layout.intBytes);
  const offset = layout.format === 'custom' ? readOffset(cursor, layout.offsetBytes) : undefined;
  const file = layout.format === 'custom' ? undefined : text();
  const names = { dumpId, tag, desc, namespace, owner, tablespace, tableAccessMethod };
  return { ...names, definition, dropStatement, copyStatement, dependencies, hasData, offset, file };
}

function readDumpId(value: number): number {
  if (value > 0 && value < 2 ** 31) return value;
  throw damaged(`the dump id ${value} is impossible`);
}

/** Decimal digits in texts, ended by NULL. */
function readDependencies(cursor: Cursor, intBytes: number): readonly number[] {
  const ids: number[] = [];
  for (;;) {
    const digits = cursor.text(intBytes, 10);
    if (digits === undefined) return ids;
    const id = Number(digits.toString('latin1'));
    if (!Number.isSafeInteger(id)) throw damaged('a dependency is no number');
    ids.push(id);
  }
}

function readOffset(cursor: Cursor, offsetBytes: number): number | undefined {
  const flag = cursor.byte();
  if (flag < 1 || flag > highestFlag) throw damaged(`the offset flag ${flag} is impossible`);
  const bytes = cursor.take(offsetBytes);
  if (flag !== offsetKnown) return undefined;
  return bytes.readUInt32LE(0) + (offsetBytes === 8 ? bytes.readUInt32LE(4) * 2 ** 32 : 0);
}
