import { expect, test } from 'vitest';
import { compareFacts } from '../../src/core/facts.ts';
import type { OutputProgram } from '../../src/core/ports/codec.ts';
import { bytesOf, patient } from '../support/bodies.ts';
import { childrenGone } from '../support/children.ts';
import { backUp, dumpOf, readParts, setUp, stageIn, type EngineUnderTest } from '../support/engine-scene.ts';
import { probeOf } from '../support/open-dump.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** What the contract says of opening a database and dumping it. */
export function dumping(subject: EngineUnderTest): void {
  const { engine } = subject;

  test('a probe says how large the database is, and touches nothing', async () => {
    const scene = await setUp(subject);
    const before = await subject.standing(scene.source, scene.folder);
    const probe = await probeOf(engine, scene.source, patient);
    expect(probe.bytes).toBeGreaterThan(0);
    expect(probe.scratchBytes).toBeGreaterThanOrEqual(0);
    expect(await subject.standing(scene.source, scene.folder)).toEqual(before);
  });

  test('a dump has parts with names, the versions of its tools, and facts of every table', async () => {
    const scene = await setUp(subject);
    await using dump = await dumpOf(subject, scene);
    expect(dump.parts.length).toBeGreaterThan(0);
    expect(Object.keys(dump.tools).length).toBeGreaterThan(0);
    const { facts, problems, warnings } = await dump.finish();
    expect([problems, warnings]).toEqual([[], []]);
    expect(facts?.tables).toContainEqual({
      name: subject.users,
      rows: 3,
      content: expect.stringMatching(/^[0-9a-f]{32,64}$/),
    });
  });

  test('a dump is one snapshot: what is written after it is in neither its parts nor its facts', async () => {
    const scene = await setUp(subject);
    await using dump = await dumpOf(subject, scene);
    await subject.addUser(scene.source);
    const parts = await readParts(dump);
    const { facts } = await dump.finish();
    expect(facts?.tables).toContainEqual(expect.objectContaining({ name: subject.users, rows: 3 }));
    await using staged = await stageIn(subject, parts);
    const found = await staged.examine({ facts: 'content', checks: [], ...patient });
    expect(facts && found.facts && compareFacts(facts, found.facts)).toEqual([]);
    expect(await subject.countUsers(scene.source)).toBe(4);
  });

  test('the databases of a server are told by their names; a file is one', async () => {
    const scene = await setUp(subject);
    const listed = engine.databases(scene.source, patient);
    if (!subject.servesDatabases) {
      await expect(listed).rejects.toMatchObject({ code: 'USAGE' });
      return;
    }
    const other = subject.place(await temporaryFolder());
    const before = await listed;
    await subject.create(other);
    const after = await engine.databases(scene.source, patient);
    expect(after.filter((name) => !before.includes(name))).toHaveLength(1);
    expect(after).toEqual(after.toSorted());
    await childrenGone();
  });

  test('the parts of a dump say when their producer fails, however they are read', async () => {
    const stop = new AbortController();
    await using dump = await dumpOf(subject, await setUp(subject), stop.signal);
    const programs = dump.parts.flatMap(({ source }) => (source.type === 'program' ? [source.program] : []));
    stop.abort(new Error('stopped by hand'));
    for (const program of programs) await expect(readAll(program)).rejects.toThrow('stopped by hand');
  });

  test('dumping does not change the source', async () => {
    const scene = await setUp(subject);
    const before = await subject.standing(scene.source, scene.folder);
    await backUp(subject, scene);
    expect(await subject.standing(scene.source, scene.folder)).toEqual(before);
  });

  test('I10: a source that is not there is SOURCE_REFUSED, and is not made', async () => {
    const folder = await temporaryFolder();
    const scene = { source: subject.place(folder), folder, scratch: await temporaryFolder() };
    await expect(dumpOf(subject, scene)).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
    await expect(engine.open(scene.source, patient)).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
    expect(await subject.standing(scene.source, folder)).toEqual([]);
    await childrenGone();
  });

  test('I11: the dump of a damaged source never finishes as sound', async () => {
    const scene = await setUp(subject);
    await subject.damage(scene.source);
    const examine = async (): Promise<readonly string[]> => {
      await using dump = await dumpOf(subject, scene);
      await readParts(dump);
      return (await dump.finish()).problems;
    };
    expect(await examine().catch((error: unknown) => [String(error)])).not.toEqual([]);
    // Also where nobody reads the parts.
    const finish = async (): Promise<readonly string[]> => {
      await using dump = await dumpOf(subject, scene);
      return (await dump.finish()).problems;
    };
    expect(await finish().catch((error: unknown) => [String(error)])).not.toEqual([]);
    await childrenGone();
  });
}

async function readAll(program: OutputProgram): Promise<Buffer> {
  return bytesOf(program.read());
}

/** What it says of dumps that are not finished. */
export function interrupting(subject: EngineUnderTest): void {
  test('A7: disposing a dump that nobody finished ends its programs', async () => {
    const dump = await dumpOf(subject, await setUp(subject));
    await dump[Symbol.asyncDispose]();
    await childrenGone();
  });

  test('A2: an abort while the snapshot is taken rejects with its reason and ends the programs', async () => {
    const stop = new AbortController();
    const reason = new Error('stopped by hand');
    const dump = dumpOf(subject, await setUp(subject), stop.signal);
    stop.abort(reason);
    await expect(dump).rejects.toBe(reason);
    await childrenGone();
  });

  test('A2: after an abort a dump does not finish', async () => {
    const stop = new AbortController();
    const reason = new Error('stopped by hand');
    await using dump = await dumpOf(subject, await setUp(subject), stop.signal);
    stop.abort(reason);
    await expect(dump.finish()).rejects.toBe(reason);
    await dump[Symbol.asyncDispose]();
    await childrenGone();
  });

  test('nothing is started once the signal is aborted', async () => {
    const reason = new Error('stopped before');
    await expect(dumpOf(subject, await setUp(subject), AbortSignal.abort(reason))).rejects.toBe(reason);
    await childrenGone();
  });
}
