/** The table of contents of an archive of pg_dump, as its header names things. */
export interface Toc {
  readonly header: ArchiveHeader;
  /** In the archive's order, which is the order of a restore. */
  readonly entries: readonly TocEntry[];
}

export interface ArchiveHeader {
  /** Of the archive's format: `1.14`. */
  readonly version: string;
  /** `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly serverVersion: string;
  readonly dumpVersion: string;
  readonly database: string;
  /** `2026-11-20T16:03:42`, in the time zone of the machine that dumped, which the archive does not name. */
  readonly created: string;
  readonly compression: 'none' | 'gzip' | 'lz4' | 'zstd';
  /** The `toc.dat` of a directory says `tar`; `inspectDirectory` knows better. */
  readonly format: 'custom' | 'tar' | 'directory';
}

export interface TocEntry {
  readonly dumpId: number;
  readonly tag: string;
  /** The kind: `TABLE`, `TABLE DATA`, `INDEX`, `FK CONSTRAINT` … */
  readonly desc: string;
  readonly namespace: string | undefined;
  readonly owner: string | undefined;
  readonly definition: string;
  readonly dropStatement: string;
  readonly copyStatement: string | undefined;
  readonly tablespace: string | undefined;
  readonly tableAccessMethod: string | undefined;
  /** Dump ids, among them some of objects that are no entries. */
  readonly dependencies: readonly number[];
  /** True for an entry that has a data block or file of its own. */
  readonly hasData: boolean;
  /** Custom format: where its block begins, in bytes; only archives written into a file know it. */
  readonly offset: number | undefined;
  /** Directory and tar: the name of its file, without a compressor's suffix. Not to be trusted as a path. */
  readonly file: string | undefined;
}

/** Beyond that a table of contents is taken for hostile: memory goes to what is read, never to what is claimed. */
export const tocLimits = { bytes: 256 * 2 ** 20, entries: 2_000_000 } as const;
