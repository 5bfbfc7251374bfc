import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { DbopsError } from '../../src/core/errors.ts';
import type { CallOptions } from '../../src/core/ports/storage.ts';
import { childrenOf } from '../support/child-processes.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { odd, shop } from '../support/postgres/shop.ts';
import {
  bringTables,
  dumpParts,
  engineOn,
  formats,
  makeDatabase,
  stateOf,
  textParts,
} from '../support/postgres/table-scene.ts';
import { openPsql } from '../support/psql-query.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const shared = sharedCluster();

describe('a restore that cannot be leaves everything as it was', () => {
  test.each<readonly [string, string, readonly [string[], boolean], readonly [string, RegExp]]>([
    ['the tables exist', '', [['users'], false], ['REFUSED', /public.users exists there/]],
    ['a name is of no table', '', [['nope'], true], ['NOTHING_MATCHES', /no table nope/]],
    [
      'a view has the name',
      'DROP TABLE users CASCADE; CREATE VIEW users AS SELECT 1',
      [['users'], true],
      ['REFUSED', /something else/],
    ],
    [
      'a function is missing',
      'DROP FUNCTION touch CASCADE; DROP TABLE orders',
      [['orders'], true],
      ['REFUSED', /function public.touch\(\)/],
    ],
    [
      'the table of a foreign key is missing',
      'DROP TABLE users CASCADE',
      [['orders'], true],
      ['REFUSED', /table public.users/],
    ],
    ['a schema is missing', 'DROP SCHEMA "Odd schema" CASCADE', [[odd], true], ['REFUSED', /schema Odd schema/]],
    [
      'rows refer to what the backup does not have',
      "INSERT INTO users (id, name) VALUES (99, 'late'); INSERT INTO orders (user_id) VALUES (99)",
      [['users'], true],
      ['REFUSED', /rows of .*orders.* refer to rows/],
    ],
    [
      'a statement fails in the middle',
      'DROP TABLE users CASCADE; CREATE SEQUENCE users_id_seq',
      [['users'], true],
      ['SOURCE_REFUSED', /users_id_seq.* already exists.*CREATE SEQUENCE/],
    ],
  ])('%s', async (_why, sql, [tables, overwrite], [code, message]) => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source);
    await cluster.sql(source, sql);
    const before = await stateOf(cluster, source);
    const failure = await bringTables(cluster, parts, source, tables, { overwrite }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'DbopsError', code, message: expect.stringMatching(message), hint: /./ });
    expect(await stateOf(cluster, source)).toBe(before);
  });
});

describe('a restore that is broken off leaves everything as it was', () => {
  test('by the end of psql in the middle of the rows', async () => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source, 'plain');
    const before = await stateOf(cluster, source);
    let opened = 0;
    const killing = {
      ...parts,
      open: async (name: string, options: CallOptions) => {
        const stream = await parts.open(name, options);
        return ++opened < 3 ? stream : Readable.from(killedHalfway(stream, source), { objectMode: false });
      },
    };
    await expect(bringTables(cluster, killing, source, ['users', 'orders'], { overwrite: true })).rejects.toMatchObject(
      {
        name: 'DbopsError',
        message: expect.stringContaining('SIGKILL'),
      },
    );
    expect(await stateOf(cluster, source)).toBe(before);
  });

  test.each(formats)('by the end of a backup whose bytes are not what they were, in the format %s', async (format) => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source, format);
    const before = await stateOf(cluster, source);
    const damaged = {
      ...parts,
      open: async (name: string, options: CallOptions) =>
        Readable.from(damagedAtTheEnd(await parts.open(name, options)), { objectMode: false }),
    };
    await expect(bringTables(cluster, damaged, source, ['users'], { overwrite: true })).rejects.toMatchObject({
      code: 'DAMAGED',
      message: 'not the bytes that were stored',
    });
    expect(await stateOf(cluster, source)).toBe(before);
  });

  test.each([
    ['of the replaced table', 'SELECT FROM users', ['users']],
    ['of a table that it refers to', 'DELETE FROM users', ['orders']],
  ])('by a lock %s that somebody holds for too long', async (_which, statement, tables) => {
    const cluster = shared();
    const source = await makeDatabase(cluster, shop);
    const parts = await dumpParts(cluster, source);
    const before = await stateOf(cluster, source);
    await using other = openPsql(join(cluster.binDir, 'psql'), { ...cluster.env, PGDATABASE: source });
    await other.query('BEGIN');
    await other.query(statement);
    const { pid = '' } = (await other.query('SELECT pg_backend_pid() AS pid'))[0] ?? {};
    await expect(
      bringTables(cluster, parts, source, tables, { overwrite: true, lockTimeoutMs: 300 }),
    ).rejects.toMatchObject({
      code: 'SOURCE_REFUSED',
      message: expect.stringMatching(`lock timeout.*held by process ${pid} .*idle in transaction`),
      hint: expect.stringContaining('--lock-timeout'),
    });
    await other.query('ROLLBACK');
    expect(await stateOf(cluster, source)).toBe(before);
  });

  test.each([
    ['COPY', 'COPY t (a, b) FROM stdin;\nsecret one\tsecret two\n\\.\n', 'COPY t, line 1, column a'],
    ['INSERT', "INSERT INTO t (a, b) VALUES ('secret one', 'secret two');\n", 'INSERT INTO t'],
    [
      'a constraint',
      "INSERT INTO t (b) VALUES ('secret');\nALTER TABLE t ADD CHECK (b = '');\n",
      'ALTER TABLE t ADD CHECK',
    ],
  ])('by rows that the server does not take, of which the error says nothing: %s', async (_how, sql, shown) => {
    const cluster = shared();
    const into = await makeDatabase(cluster);
    const failure = await bringTables(cluster, textParts(`CREATE TABLE t (a int, b text);\n${sql}`), into, ['t']).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringContaining(shown) });
    expect((failure as Error).message).not.toMatch(/secret/);
    expect(await cluster.sql(into, "SELECT to_regclass('t') IS NULL")).toBe('t');
  });
});

test.each([
  ['a command of psql', (mark: string) => `\n\\! touch ${mark}\n`, 'REFUSED', /psql command/],
  ['the end of the transaction', (mark: string) => `COMMIT; COPY users TO '${mark}';`, 'REFUSED', /COMMIT stands/],
])('an archive that holds %s changes nothing, here or there', async (_what, attack, code, message) => {
  const cluster = shared();
  const placeholder = 'A'.repeat(200);
  const source = await makeDatabase(cluster, `${shop}; COMMENT ON TABLE users IS '${placeholder}'`);
  const parts = await dumpParts(cluster, source, 'custom', ['-Z0']);
  const before = await stateOf(cluster, source);
  const folder = await temporaryFolder();
  const mark = join(folder, 'mark');
  const text = `'';${attack(mark)} --`;
  const hostile = {
    ...parts,
    open: async (name: string, options: CallOptions) => {
      const bytes = Buffer.concat(await Array.fromAsync((await parts.open(name, options)) as AsyncIterable<Buffer>));
      const at = bytes.indexOf(`'${placeholder}'`);
      bytes.write(text.padEnd(placeholder.length + 2), at);
      return Readable.from([bytes], { objectMode: false });
    },
  };
  const refused = { code, message: expect.stringMatching(message) };
  await expect(bringTables(cluster, hostile, source, ['users'], { overwrite: true })).rejects.toMatchObject(refused);
  expect(await stateOf(cluster, source)).toBe(before);
  const request = { tables: ['users'], comments: [], scratch: folder, signal: new AbortController().signal };
  await expect(engineOn(cluster).exportTables(hostile, join(folder, 'out.sql'), request)).rejects.toMatchObject(
    refused,
  );
  expect((await readdir(folder)).toSorted()).toEqual(['tables.list']);
});

test('a restore that is called off changes nothing and leaves no process behind', async () => {
  const cluster = shared();
  const source = await makeDatabase(cluster, shop);
  const parts = await dumpParts(cluster, source);
  const before = await stateOf(cluster, source);
  const others = await childrenOf(process.pid);
  const caller = new AbortController();
  let opened = 0;
  const stopping = {
    ...parts,
    open: async (name: string, options: CallOptions) => {
      if (++opened === 3) caller.abort(new DbopsError('INTERRUPTED', 'called off'));
      return parts.open(name, options);
    },
  };
  const calling = bringTables(cluster, stopping, source, ['users'], { overwrite: true, signal: caller.signal });
  await expect(calling).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(opened).toBe(3);
  expect(await stateOf(cluster, source)).toBe(before);
  expect(await childrenOf(process.pid)).toEqual(others);
});

test('a destination that is not there is refused, and not made', async () => {
  const cluster = shared();
  const parts = await dumpParts(cluster, await makeDatabase(cluster, shop));
  await expect(bringTables(cluster, parts, 'nowhere', ['users'])).rejects.toMatchObject({
    code: 'SOURCE_REFUSED',
    message: expect.stringContaining('"nowhere" does not exist'),
    hint: expect.stringContaining('Check the name'),
  });
});

async function* killedHalfway(source: AsyncIterable<Buffer>, database: string): AsyncGenerator<Buffer> {
  const whole = Buffer.concat(await Array.fromAsync(source));
  const half = whole.indexOf('\n', whole.indexOf('COPY public.users')) + 5;
  yield whole.subarray(0, half);
  // Not those of other tests that run in this process.
  const isMeant = (pid: number): boolean =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`dbname='${database}'`);
  const [pid, ...others] = (await childrenOf(process.pid)).filter(isMeant);
  if (pid === undefined || others.length > 0) throw new Error('not one psql');
  process.kill(pid, 'SIGKILL');
  yield whole.subarray(half);
}

async function* damagedAtTheEnd(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* source;
  throw new DbopsError('DAMAGED', 'not the bytes that were stored');
}
