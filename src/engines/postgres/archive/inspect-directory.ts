import type { Readable } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import type { Codecs, CodecWatch } from '../../../core/ports/codec.ts';
import { nameOf, printable } from './entry-name.ts';
import type { Inspection } from './inspection.ts';
import { checkFile, suffixes, type Encodings } from './member-file.ts';
import { memberNames, unwatched, watchMember, type MemberWatch } from './members.ts';
import { collectToc } from './toc-reader.ts';
import type { Toc, TocEntry } from './toc.ts';

export interface Directory {
  /** The files in it, without a path. */
  readonly names: readonly string[];
  readonly open: (name: string) => Promise<Readable>;
  readonly codecs: Pick<Codecs, 'byId'>;
}

/**
 * Reads a whole archive in directory format (`pg_dump -Fd`): every file that its `toc.dat` asks for must be there and
 * come to its end, and no other. Gzip and zstd are decompressed, LZ4 is followed by its frames. Rejects when a file
 * cannot be opened or read.
 */
export async function inspectDirectory(directory: Directory): Promise<Inspection> {
  if (!directory.names.includes('toc.dat')) return { toc: undefined, problems: ['toc.dat is missing'] };
  const table = await readTable(await directory.open('toc.dat'));
  if (table.toc === undefined) return table;
  const inspector = new DirectoryInspector(directory);
  for (const entry of table.toc.entries) if (entry.hasData) await inspector.inspectEntry(entry);
  return { toc: table.toc, problems: [...table.problems, ...inspector.problems, ...inspector.extra()] };
}

async function readTable(stream: Readable): Promise<Inspection> {
  const collector = collectToc();
  try {
    let done;
    let after = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (done !== undefined) after += chunk.length;
      done ??= collector.update(chunk);
    }
    done ??= collector.finish();
    const problems = after + done.rest.length === 0 ? [] : ['toc.dat: something follows its end'];
    return { toc: asDirectory(done.toc), problems };
  } catch (error) {
    if (!(error instanceof DbopsError)) throw error;
    return { toc: undefined, problems: [`toc.dat: ${error.message}`] };
  }
}

/** pg_dump writes `tar` into both, for pg_restore to read both in one way. */
function asDirectory({ header, entries }: Toc): Toc {
  return { header: { ...header, format: 'directory' }, entries };
}

class DirectoryInspector {
  readonly problems: string[] = [];
  readonly #directory: Directory;
  readonly #encodings: Encodings;
  readonly #unclaimed: Set<string>;
  readonly #claimed = new Set(['toc.dat']);

  constructor(directory: Directory) {
    this.#directory = directory;
    this.#encodings = { gzip: watcher(directory, 'gzip'), zstd: watcher(directory, 'zstd') };
    this.#unclaimed = new Set(directory.names);
    this.#unclaimed.delete('toc.dat');
  }

  async inspectEntry(entry: TocEntry): Promise<void> {
    const blobs: string[] = [];
    await this.#inspectFile(
      memberNames(entry),
      nameOf(entry),
      watchMember(entry, (name) => blobs.push(name)),
    );
    for (const name of blobs) await this.#inspectFile([name], 'a large object', unwatched);
  }

  extra(): readonly string[] {
    return [...this.#unclaimed].map((name) => `${printable(name)} is no part of this archive`);
  }

  async #inspectFile(bases: readonly string[], what: string, watch: MemberWatch): Promise<void> {
    const names = bases.flatMap((base) => suffixes.map((suffix) => `${base}${suffix}`));
    const name = names.find((candidate) => this.#unclaimed.has(candidate));
    if (name === undefined) {
      const twice = names.find((candidate) => this.#claimed.has(candidate));
      this.problems.push(twice === undefined ? `${bases[0]} with ${what} is missing` : `${twice} is asked for twice`);
      return;
    }
    this.#unclaimed.delete(name);
    this.#claimed.add(name);
    const problem = await checkFile(name, await this.#directory.open(name), watch, this.#encodings);
    if (problem !== undefined) this.problems.push(`${name} with ${what}: ${problem}`);
  }
}

function watcher({ codecs }: Directory, id: string): () => CodecWatch {
  const codec = codecs.byId(id);
  if (codec === undefined) throw new Error(`there is no codec ${id}`);
  return () => codec.watch();
}
