/**
 * The first 100 bytes of a database file, as far as dbops reads them without SQLite.
 * Source: "The Database Header", section 1.3 of the SQLite file format.
 */
export interface Header {
  readonly pageSize: number;
  /** `wal` when the file asks its readers for a write-ahead log. */
  readonly journal: 'wal' | 'rollback';
  /** Size in pages; 0 when a version before 3.7.0 wrote last and did not record it. */
  readonly pages: number;
  /** Version of the library that wrote last: `3.45.1`, or `unknown`. */
  readonly writer: string;
}

export const HEADER_BYTES = 100;
const magic = Buffer.from('SQLite format 3\0');

export function isSqliteHead(head: Uint8Array): boolean {
  return magic.equals(head.subarray(0, magic.length));
}

export function parseHeader(head: Buffer): Header | undefined {
  if (head.length < HEADER_BYTES || !isSqliteHead(head)) return undefined;
  const size = head.readUInt16BE(16);
  const current = head.readUInt32BE(24) === head.readUInt32BE(92);
  const version = head.readUInt32BE(96);
  return {
    pageSize: size === 1 ? 65_536 : size,
    journal: head[18] === 2 || head[19] === 2 ? 'wal' : 'rollback',
    pages: current ? head.readUInt32BE(28) : 0,
    writer: version === 0 ? 'unknown' : versionText(version),
  };
}

function versionText(version: number): string {
  return [Math.trunc(version / 1_000_000), Math.trunc(version / 1000) % 1000, version % 1000].join('.');
}
