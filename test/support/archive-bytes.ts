import { Readable } from 'node:stream';

export interface EntryBytes {
  readonly dumpId: number;
  readonly tag?: string;
  readonly desc?: string;
  readonly namespace?: string;
  readonly definition?: string | Buffer;
  readonly copyStatement?: string;
  readonly dependencies?: readonly number[];
  readonly hasData?: boolean;
  readonly offset?: number;
  readonly file?: string;
}

export interface ArchiveBytes {
  readonly minor?: number;
  readonly intBytes?: 4 | 8;
  /** 1 custom, 3 tar. */
  readonly format?: number;
  readonly compression?: number;
  readonly entries: readonly EntryBytes[];
  /** What the table of contents says about its length; the truth without it. */
  readonly count?: number;
}

/** Writes the header and table of contents of an archive as pg_dump lays them out, field by field. */
export function tocBytes({
  minor = 14,
  intBytes = 4,
  format = 1,
  compression = 0,
  entries,
  count,
}: ArchiveBytes): Buffer {
  const int = (value: number): Buffer => integerBytes(value, intBytes);
  const text = (value: string | Buffer | undefined): Buffer => {
    const bytes = value === undefined ? undefined : Buffer.from(value);
    return bytes === undefined ? int(-1) : Buffer.concat([int(bytes.length), bytes]);
  };
  const head = [
    Buffer.from('PGDMP'),
    Buffer.from([1, minor, 0, intBytes, 8, format]),
    minor < 15 ? int(compression) : Buffer.from([compression]),
    ...[5, 4, 3, 2, 0, 126, 0].map(int),
    ...['d', '15.1', '15.2'].map(text),
    int(count ?? entries.length),
  ];
  const body = entries.flatMap((entry) => [
    int(entry.dumpId),
    int(entry.hasData === true ? 1 : 0),
    ...['0', '0', entry.tag ?? `t${entry.dumpId}`, entry.desc ?? 'TABLE'].map(text),
    int(2),
    ...[entry.definition ?? '', '', entry.copyStatement, entry.namespace ?? 'public', undefined].map(text),
    ...(minor >= 14 ? [text('heap')] : []),
    ...(minor >= 16 ? [int(114)] : []),
    ...['me', 'false', ...(entry.dependencies ?? []).map(String), undefined].map(text),
    format === 1 ? offsetBytes(entry) : text(entry.file ?? ''),
  ]);
  return Buffer.concat([...head, ...body]);
}

function offsetBytes({ hasData, offset }: EntryBytes): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUInt8(offset !== undefined ? 2 : hasData === true ? 1 : 3);
  bytes.writeBigUInt64LE(BigInt(offset ?? 0), 1);
  return bytes;
}

/** A sign and a magnitude, least significant byte first. */
export function integerBytes(value: number, intBytes = 4): Buffer {
  const bytes = Buffer.alloc(1 + intBytes);
  bytes.writeUInt8(value < 0 ? 1 : 0);
  bytes.writeUInt32LE(Math.abs(value), 1);
  return bytes;
}

export function dataBlock(dumpId: number, ...chunks: readonly string[]): Buffer {
  return Buffer.concat([Buffer.from([1]), integerBytes(dumpId), chunkBytes(chunks)]);
}

export function blobsBlock(dumpId: number, blobs: Readonly<Record<number, readonly string[]>>): Buffer {
  const contents = Object.entries(blobs).flatMap(([oid, chunks]) => [
    integerBytes(Number(oid) | 0),
    chunkBytes(chunks),
  ]);
  return Buffer.concat([Buffer.from([3]), integerBytes(dumpId), ...contents, integerBytes(0)]);
}

function chunkBytes(chunks: readonly string[]): Buffer {
  return Buffer.concat([
    ...chunks.flatMap((chunk) => [integerBytes(chunk.length), Buffer.from(chunk)]),
    integerBytes(0),
  ]);
}

/** A stream of the bytes in pieces of `size`. */
export function inPieces(bytes: Uint8Array, size: number): Readable {
  const count = Math.ceil(bytes.length / size);
  return Readable.from(Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size)));
}
