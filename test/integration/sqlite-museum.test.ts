import { execFileSync } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import { compareFacts } from '../../src/core/facts.ts';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import { backUp, examineCopy, factsOf, never, partOf } from '../support/sqlite-engine.ts';
import { buildExhibit, exhibitNamed, museum } from '../support/sqlite-museum.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

describe('I12, I13: a backup of any kind of database', () => {
  it.each(museum)('gives back every byte and fact: $name', async (exhibit) => {
    const folder = await temporaryFolder();
    const source = join(folder, 'source.db');
    buildExhibit(exhibit, source);
    const before = await readFile(source);

    const backup = await backUp(source, folder);
    expect(backup.found.problems).toEqual([]);
    expect(backup.found.warnings.length > 0).toBe(exhibit.warned === true);
    const facts = factsOf(backup.found);

    expect(await readFile(source)).toEqual(before);
    expect(differences(await readFile(backup.file), before)).toEqual([]);
    expect(await sqliteEngine.inspect(partOf(backup.file), 'whole', { signal: never })).toEqual([]);
    const restored = await examineCopy(backup.file, folder);
    expect(restored.problems).toEqual([]);
    expect(compareFacts(facts, factsOf(restored))).toEqual([]);
    for (const { content } of exhibit.foreign ? [] : facts.tables) expect(content).toMatch(/^[0-9a-f]{32}$/);
  });

  it('says what could not be counted when the application has extensions of its own', async () => {
    const folder = await temporaryFolder();
    const source = join(folder, 'source.db');
    buildExhibit(exhibitNamed('things of the application'), source);
    const { found } = await backUp(source, folder);
    expect(found.warnings.join('\n')).toContain('no such module: vec0');
    const rows = found.facts?.tables.map(({ name, rows: count }) => [name, count]);
    expect(rows).toEqual([
      ['alien', null],
      ['judged', 1],
      ['named', 1],
      ['plain', 2],
    ]);
  });
});

describe('I12: a backup of an unusual layout', () => {
  it('keeps bytes reserved at the end of every page', async () => {
    const folder = await temporaryFolder();
    const source = join(folder, 'source.db');
    const make = '.filectrl reserve_bytes 32\nCREATE TABLE t(b); INSERT INTO t VALUES (zeroblob(9000)); VACUUM;';
    execFileSync('sqlite3', ['-batch', source], { input: make });
    expect((await readFile(source))[20]).toBe(32);
    const { file, found } = await backUp(source, folder);
    expect(found.problems).toEqual([]);
    expect((await readFile(file))[20]).toBe(32);
    expect((await examineCopy(file, folder)).facts).toEqual(found.facts);
  });

  // Writes five gigabytes, so it runs only where that was asked for.
  const large = process.env['DBOPS_SOAK'] === '1' ? [512, 4096, 65_536] : [];
  it.for(large)('crosses the page of the lock bytes at 1 GiB, with pages of %i bytes', async (size) => {
    const folder = await temporaryFolder();
    const source = join(folder, 'source.db');
    const rows = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1100)`;
    const db = new Database(source);
    db.exec(
      `PRAGMA page_size = ${size}; PRAGMA synchronous = OFF; CREATE TABLE t(b); ${rows} INSERT INTO t SELECT zeroblob(1048576) FROM n`,
    );
    db.close();
    expect((await stat(source)).size).toBeGreaterThan(2 ** 30 + size);
    const { file, found } = await backUp(source, folder, { facts: 'rows' });
    expect(found.problems).toEqual([]);
    expect(await sqliteEngine.inspect(partOf(file), 'whole', { signal: never })).toEqual([]);
    execFileSync('cmp', ['--ignore-initial=100', source, file]);
  });
});

describe('a write-ahead log', () => {
  it.each(museum.filter(({ name }) => /search with|65536|UTF-16be/.test(name)))(
    'is part of what is backed up: $name',
    async (exhibit) => {
      const folder = await temporaryFolder();
      const source = join(folder, 'source.db');
      buildExhibit(exhibit, source);
      const db = new Database(source);
      db.pragma('journal_mode = WAL');
      db.exec('CREATE TABLE in_the_log(x); INSERT INTO in_the_log VALUES (1), (2)');
      const { file, found } = await backUp(source, folder);
      db.close();
      expect(found.facts?.tables.find(({ name }) => name === 'in_the_log')?.rows).toBe(2);
      expect((await readFile(file)).subarray(18, 20)).toEqual(Buffer.from([1, 1]));
      const restored = await examineCopy(file, folder);
      expect(restored.facts).toEqual(found.facts);
    },
  );
});

/** Offsets of bytes that differ, but for the counters by which connections notice a change. */
function differences(one: Buffer, other: Buffer): number[] {
  if (one.length !== other.length) return [Math.min(one.length, other.length)];
  const counters = new Set([...range(24, 28), ...range(40, 44), ...range(92, 96)]);
  if (one.equals(other)) return [];
  return [...one.keys()].filter((at) => one[at] !== other[at] && !counters.has(at)).slice(0, 10);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}
