import type { Readable } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import { nameOf, printable } from './entry-name.ts';
import type { Inspection } from './inspection.ts';
import { memberNames, unwatched, watchMember, type MemberWatch } from './members.ts';
import { walkTar } from './tar-walk.ts';
import { collectToc } from './toc-reader.ts';
import type { Toc, TocEntry } from './toc.ts';

/**
 * Reads a whole archive in tar format (`pg_dump -Ft`): every member that its `toc.dat` asks for must be there whole,
 * once, and no other but the script that pg_dump adds for people. Rejects when the stream fails.
 */
export async function inspectTar(stream: Readable): Promise<Inspection> {
  const inspector = new TarInspector();
  const broken = await walkTar(stream, (name) => inspector.open(name));
  const problems = inspector.problems();
  if (broken === undefined) return { toc: inspector.toc, problems };
  // What is missing after a break says nothing that the break does not.
  return { toc: inspector.toc, problems: [broken] };
}

const mostProblems = 1_000;

class TarInspector {
  toc: Toc | undefined;
  #members = 0;
  readonly #problems: string[] = [];
  readonly #byMember = new Map<string, TocEntry>();
  readonly #missing = new Set<TocEntry>();
  readonly #seen = new Set<string>();
  readonly #blobsSeen = new Set<string>();
  readonly #blobsListed = new Set<string>();

  open(name: string): MemberWatch {
    if (this.#members === 0 && name !== 'toc.dat') this.#report('toc.dat is not its first member');
    this.#members += 1;
    const isBlob = /^blob_\d{1,10}\.dat$/.test(name);
    const entry = this.#byMember.get(name);
    if (!isBlob && entry === undefined && !['toc.dat', 'restore.sql'].includes(name)) {
      this.#report(`${printable(name)} is no part of this archive`);
      return unwatched;
    }
    const seen = isBlob ? this.#blobsSeen : this.#seen;
    if (seen.has(name)) this.#report(`${name} is there twice`);
    seen.add(name);
    if (name === 'toc.dat') return this.#reportAs(name, this.#watchTable());
    if (entry === undefined) return unwatched;
    this.#missing.delete(entry);
    const watch = watchMember(entry, (blob) => this.#blobsListed.add(blob));
    return this.#reportAs(`${name} with ${nameOf(entry)}`, watch);
  }

  problems(): readonly string[] {
    if (this.toc === undefined) return this.#problems.length > 0 ? this.#problems : ['toc.dat is missing'];
    const missing = [...this.#missing].map((entry) => `${memberNames(entry)[0]} with ${nameOf(entry)} is missing`);
    const blobs = without(this.#blobsListed, this.#blobsSeen).map((blob) => `${blob} is missing`);
    const extra = without(this.#blobsSeen, this.#blobsListed).map((blob) => `${blob} is no part of this archive`);
    return [...this.#problems, ...missing, ...blobs, ...extra];
  }

  #watchTable(): MemberWatch {
    const collector = collectToc();
    let wrong: string | undefined;
    const attempt = (read: () => ReturnType<typeof collector.update>): void => {
      if (this.toc !== undefined || wrong !== undefined) return;
      try {
        const collected = read();
        if (collected === undefined) return;
        if (collected.rest.length > 0) wrong = 'something follows its end';
        this.#expect(collected.toc);
      } catch (error) {
        if (!(error instanceof DbopsError)) throw error;
        wrong = error.message;
      }
    };
    return {
      update: (chunk) => {
        if (this.toc !== undefined) wrong = 'something follows its end';
        attempt(() => collector.update(chunk));
      },
      problem: () => {
        attempt(() => collector.finish());
        return wrong;
      },
    };
  }

  #expect(toc: Toc): void {
    this.toc = toc;
    for (const entry of toc.entries.filter(({ hasData }) => hasData)) {
      this.#missing.add(entry);
      for (const name of memberNames(entry)) this.#byMember.set(name, entry);
    }
  }

  /** An archive of nothing but strangers must not fill the memory with their names. */
  #report(problem: string): void {
    if (this.#problems.length < mostProblems) this.#problems.push(problem);
  }

  #reportAs(what: string, watch: MemberWatch): MemberWatch {
    return {
      update: (chunk) => watch.update(chunk),
      problem: () => {
        const problem = watch.problem();
        if (problem !== undefined) this.#report(`${what}: ${problem}`);
        return problem;
      },
    };
  }
}

function without(names: ReadonlySet<string>, others: ReadonlySet<string>): readonly string[] {
  return [...names].filter((name) => !others.has(name));
}
