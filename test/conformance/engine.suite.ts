import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { beforeEach, describe, expect, test } from 'vitest';
import { compareFacts } from '../../src/core/facts.ts';
import { breakingLate, bytesOf, patient } from '../support/bodies.ts';
import { childrenGone, rememberChildren } from '../support/children.ts';
import { backUp, partSource, setUp, stageIn, type EngineUnderTest } from '../support/engine-scene.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { dumping, interrupting } from './engine-dump.suite.ts';

const stamp = '20261120T020000Z';

/** The contract of src/core/ports/engine.ts, as far as every engine has it. */
export function engineSuite(name: string, subject: EngineUnderTest): void {
  describe(`engine contract: ${name}`, () => {
    // A server that the tests run is one of their own children.
    beforeEach(rememberChildren);
    dumping(subject);
    interrupting(subject);
    staging(subject);
    promoting(subject);
    if (subject.piecewise) piecewise(subject);
  });
}

function staging(subject: EngineUnderTest): void {
  const { engine } = subject;

  test('the facts of a staged copy are those of the dump, to the content of every table', async () => {
    const { parts, facts } = await backUp(subject, await setUp(subject));
    await using staged = await stageIn(subject, parts);
    const found = await staged.examine({ facts: 'content', checks: [], ...patient });
    expect(found.facts && compareFacts(facts, found.facts)).toEqual([]);
    expect(found).toMatchObject({ problems: [], warnings: [], checks: [] });
  });

  test('facts of this very version are comparable as a whole, without a warning', async () => {
    const { parts, facts } = await backUp(subject, await setUp(subject));
    await using staged = await stageIn(subject, parts);
    const { comparable } = await staged.examine({ facts: 'content', checks: [], ...patient });
    expect(comparable?.(facts) ?? { facts, warnings: [] }).toEqual({ facts, warnings: [] });
  });

  test('a check that returns no rows holds; one that returns rows, or fails, does not', async () => {
    const { parts } = await backUp(subject, await setUp(subject));
    await using staged = await stageIn(subject, parts);
    const checks = [
      { name: 'none', sql: `SELECT * FROM (${subject.allUsers}) AS u WHERE 1 = 0` },
      { name: 'some', sql: subject.allUsers },
      { name: 'broken', sql: 'SELECT nonsense FROM nowhere' },
    ];
    const found = await staged.examine({ facts: 'rows', checks, ...patient });
    expect(found.checks).toEqual([
      { name: 'none', ok: true, rows: 0 },
      { name: 'some', ok: false, rows: 3 },
      { name: 'broken', ok: false, rows: 0, error: expect.stringMatching(/./) },
    ]);
  });

  test('a check cannot change the copy', async () => {
    const { parts, facts } = await backUp(subject, await setUp(subject));
    await using staged = await stageIn(subject, parts);
    const destructive = { name: 'destructive', sql: 'DELETE FROM users' };
    const first = await staged.examine({ facts: 'rows', checks: [destructive], ...patient });
    expect(first.checks).toEqual([expect.objectContaining({ ok: false })]);
    expect((await staged.examine({ facts: 'content', checks: [], ...patient })).facts).toEqual(facts);
  });

  test('a staged copy that is disposed leaves nothing at its destination, and no program', async () => {
    const { parts } = await backUp(subject, await setUp(subject));
    const folder = await temporaryFolder();
    const staged = await stageIn(subject, parts, subject.place(folder));
    await staged[Symbol.asyncDispose]();
    expect(await subject.standing(subject.place(folder), folder)).toEqual([]);
    await childrenGone();
  });

  test('parts that fail on their way make staging fail, with nothing left at the destination', async () => {
    const { parts } = await backUp(subject, await setUp(subject));
    const folder = await temporaryFolder();
    const open = async (name: string): Promise<Readable> => breakingLate(await parts.open(name, patient));
    await expect(stageIn(subject, { ...parts, open }, subject.place(folder))).rejects.toThrow('part broke');
    expect(await subject.standing(subject.place(folder), folder)).toEqual([]);
    await childrenGone();
  });

  test('inspecting finds nothing wrong with good parts, and something with cut or empty ones', async () => {
    const { parts } = await backUp(subject, await setUp(subject));
    const [part] = parts.parts;
    const bytes = await bytesOf(await parts.open(part?.name ?? '', patient));
    expect(await engine.inspect(parts, 'whole', patient)).toEqual([]);
    for (const length of [0, 1, 99, bytes.length >> 1, bytes.length - 1]) {
      const cut = partSource([{ name: part?.name ?? '', bytes: bytes.subarray(0, length) }]);
      expect(await engine.inspect(cut, 'whole', patient)).not.toEqual([]);
    }
    expect(await engine.inspect(partSource([]), 'whole', patient)).not.toEqual([]);
  });
}

function promoting(subject: EngineUnderTest): void {
  const { engine } = subject;
  const request = { settings: {}, allowOpen: false, stamp, ...patient };

  test('at an empty place the copy becomes the database, and nothing is kept', async () => {
    const { parts } = await backUp(subject, await setUp(subject));
    const destination = subject.place(await temporaryFolder());
    expect(await engine.survey(destination, patient)).toMatchObject({ exists: false, bytes: 0, users: [] });
    await using staged = await stageIn(subject, parts, destination);
    const { kept, undo, drop, warnings } = await staged.promote(request);
    expect([kept, undo, drop, warnings]).toEqual([undefined, undefined, undefined, []]);
    expect(await subject.countUsers(destination)).toBe(3);
    expect(await engine.survey(destination, patient)).toMatchObject({ exists: true, users: [] });
  });

  test('C11: what was there is kept, and the undo line brings it back', async () => {
    const scene = await setUp(subject);
    const { parts } = await backUp(subject, scene);
    await subject.addUser(scene.source);
    await using staged = await stageIn(subject, parts, scene.source);
    const { kept, undo } = await staged.promote(request);
    expect(await subject.countUsers(scene.source)).toBe(3);
    expect(await subject.countUsers(subject.kept(scene.source, kept ?? ''))).toBe(4);
    await promisify(execFile)('sh', ['-c', undo ?? 'false']);
    expect(await subject.countUsers(scene.source)).toBe(4);
  });

  test('with dropOld nothing is kept, and the line that drops what was kept leaves the new one', async () => {
    const scene = await setUp(subject);
    const { parts } = await backUp(subject, scene);
    await subject.addUser(scene.source);
    const before = await subject.standing(scene.source, scene.folder);
    {
      await using staged = await stageIn(subject, parts, scene.source);
      const { kept, drop } = await staged.promote(request);
      expect(await subject.countUsers(subject.kept(scene.source, kept ?? ''))).toBe(4);
      if (drop === undefined) return;
      await promisify(execFile)('sh', ['-c', drop]);
    }
    expect((await subject.standing(scene.source, scene.folder)).length).toBe(before.length);
    await using staged = await stageIn(subject, parts, scene.source);
    expect(await staged.promote({ ...request, dropOld: true })).toMatchObject({ kept: undefined, warnings: [] });
    expect((await subject.standing(scene.source, scene.folder)).length).toBe(before.length);
    expect(await subject.countUsers(scene.source)).toBe(3);
  });

  test('what is kept of two restores at one moment has two names', async () => {
    const scene = await setUp(subject);
    const { parts } = await backUp(subject, scene);
    const names: (string | undefined)[] = [];
    for (let round = 0; round < 2; round++) {
      await using staged = await stageIn(subject, parts, scene.source);
      names.push((await staged.promote(request)).kept);
    }
    expect(new Set(names).size).toBe(2);
    for (const kept of names) expect(await subject.countUsers(subject.kept(scene.source, kept ?? ''))).toBe(3);
  });
}

function piecewise(subject: EngineUnderTest): void {
  const { engine } = subject;

  test('single tables come back into a place where nothing was', async () => {
    const { parts } = await backUp(subject, await setUp(subject));
    const destination = subject.place(await temporaryFolder());
    const request = { tables: ['users'], scratch: await temporaryFolder(), overwrite: false, stamp, ...patient };
    expect(await engine.restoreTables(parts, destination, request)).toMatchObject({
      tables: [{ name: 'users', rows: 3 }],
    });
    expect(await subject.countUsers(destination)).toBe(3);
    await childrenGone();
  });

  test('a table that is there is refused and stays, and is replaced when that was said', async () => {
    const scene = await setUp(subject);
    const { parts } = await backUp(subject, scene);
    await subject.addUser(scene.source);
    const request = async (overwrite: boolean) => ({
      tables: ['users'],
      scratch: await temporaryFolder(),
      overwrite,
      stamp,
      ...patient,
    });
    await expect(engine.restoreTables(parts, scene.source, await request(false))).rejects.toMatchObject({
      code: 'REFUSED',
    });
    expect(await subject.countUsers(scene.source)).toBe(4);
    const { kept } = await engine.restoreTables(parts, scene.source, await request(true));
    expect(await subject.countUsers(scene.source)).toBe(3);
    expect(await subject.countUsers(subject.kept(scene.source, kept ?? ''))).toBe(4);
  });

  test('a table that the backup does not hold changes nothing', async () => {
    const scene = await setUp(subject);
    const { parts } = await backUp(subject, scene);
    const request = { tables: ['users', 'none'], scratch: await temporaryFolder(), overwrite: true, stamp, ...patient };
    await subject.addUser(scene.source);
    await expect(engine.restoreTables(parts, scene.source, request)).rejects.toMatchObject({ name: 'DbopsError' });
    expect(await subject.countUsers(scene.source)).toBe(4);
  });

  test('tables as SQL never replace a file that is there', async () => {
    const { parts } = await backUp(subject, await setUp(subject));
    const file = `${await temporaryFolder()}/users.sql`;
    const request = async () => ({
      tables: ['users'],
      scratch: await temporaryFolder(),
      comments: ['from a test'],
      ...patient,
    });
    await engine.exportTables(parts, file, await request());
    const text = await readFile(file, 'utf8');
    expect(text).toMatch(/^-- from a test\n/);
    await expect(engine.exportTables(parts, file, await request())).rejects.toMatchObject({ code: 'REFUSED' });
    expect(await readFile(file, 'utf8')).toBe(text);
  });
}
