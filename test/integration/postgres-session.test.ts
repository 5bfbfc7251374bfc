import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createCodecs } from '../../src/codecs/codecs.ts';
import { findClients } from '../../src/engines/postgres/connection/clients.ts';
import { createConnection, type Connection } from '../../src/engines/postgres/connection/connection.ts';
import { openSession, type Session } from '../../src/engines/postgres/connection/session.ts';
import { postgresDriver } from '../../src/engines/postgres/driver.ts';
import { quoteLiteral } from '../../src/engines/postgres/facts/sql-text.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cluster = sharedCluster({ auth: 'scram' });
const never = new AbortController().signal;

interface Way {
  readonly address?: string;
  readonly via?: readonly string[];
  readonly environment?: Record<string, string>;
}

function connect({ address = cluster().url(), via, environment = {} }: Way = {}): Connection {
  return createConnection(
    { ...postgresDriver.locate(address, '/'), lockTimeoutMs: 5_000, access: via === undefined ? {} : { via } },
    {
      environment: { PATH: '/usr/bin:/bin', ...environment },
      temporaryFolder: '/tmp',
      codecs: createCodecs(undefined),
    },
  );
}

async function open(way: Way = {}, signal: AbortSignal = never): Promise<Session> {
  const connection = connect(way);
  const psql = connection.via.length > 0 ? 'psql' : join(cluster().binDir, 'psql');
  return openSession({ connection, psql, signal });
}

describe('what a statement gives', () => {
  test('is the values as they are', async () => {
    await using session = await open();
    const values = ['', 'NULL', 'a,b', 'say "hi"', 'two\nlines\r\n', '\\echo x', 'ü 😀', "it's", ' ', 'dbops-end'];
    const list = values.map((value, index) => `(${index}, ${quoteLiteral(value)})`).join(',');
    expect(await session.query(`SELECT n, v, NULL AS none FROM (VALUES ${list}) AS t (n, v) ORDER BY n`)).toEqual(
      values.map((value, index) => ({ n: String(index), v: value, none: null })),
    );
  });

  test('may be long, or nothing', async () => {
    await using session = await open();
    const [row] = await session.query("SELECT repeat('ü', 3000000) AS long");
    expect(row?.['long']).toHaveLength(3_000_000);
    expect(await session.query('SELECT g FROM generate_series(1, 50000) AS g')).toHaveLength(50_000);
    expect(await session.query('SELECT 1 AS none WHERE false')).toEqual([]);
    expect(await session.query('CREATE TEMPORARY TABLE empty ()')).toEqual([]);
  });

  test('comes to the one who asked, however many ask at once', async () => {
    await using session = await open();
    const asked = Array.from({ length: 50 }, (_, index) => session.query(`SELECT ${index} AS n`));
    expect((await Promise.all(asked)).flat().map(({ n }) => Number(n))).toEqual(asked.map((_, index) => index));
  });

  test('is in UTF-8 whatever the database and the environment have', async () => {
    await cluster().sql('postgres', "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'");
    await using session = await open({ address: cluster().url('latin'), environment: { PGCLIENTENCODING: 'LATIN1' } });
    expect(await session.query('SELECT chr(252) AS letter')).toEqual([{ letter: 'ü' }]);
  });

  test('does not change with what is set for the role', async () => {
    await cluster().sql(
      'postgres',
      "CREATE ROLE odd LOGIN SUPERUSER PASSWORD 'odd'; ALTER ROLE odd SET standard_conforming_strings = off",
    );
    await using session = await open({
      address: cluster()
        .url('postgres', 'odd')
        .replace(/odd:[^@]*@/, 'odd:odd@'),
    });
    expect(await session.query(String.raw`SELECT ${quoteLiteral(String.raw`a\'b\\`)} AS text`)).toEqual([
      { text: String.raw`a\'b\\` },
    ]);
  });
});

test('a statement that the server refuses leaves the session as it is', async () => {
  await using session = await open();
  await expect(session.query('SELECT 1 / 0')).rejects.toMatchObject({ name: 'SqlError', state: '22012' });
  await expect(session.query('SELECT * FROM "no\nwhere"')).rejects.toThrow('relation "no\nwhere" does not exist');
  expect(await session.query('SELECT 1 AS one')).toEqual([{ one: '1' }]);
});

test('no file of settings for people is read', async () => {
  const home = await temporaryFolder();
  await writeFile(join(home, '.psqlrc'), "\\echo from psqlrc\nSET application_name = 'psqlrc';\n");
  await using session = await open({ environment: { HOME: home, PSQLRC: join(home, '.psqlrc') } });
  expect(await session.query('SHOW application_name')).toEqual([{ application_name: 'dbops' }]);
});

describe('a connection that cannot be had is told in words, without the password', () => {
  const url = (change: (text: string) => string) => (): string => change(cluster().url());
  test.each<[string, () => string, string]>([
    ['a wrong password', url((text) => text.replace(/:[^:@]*@/, ':hunter2@')), 'password authentication failed'],
    ['no password', url((text) => text.replace(/:[^:@]*@/, '@')), 'no password supplied'],
    ['no such database', () => cluster().url('nowhere'), 'database "nowhere" does not exist'],
    ['nobody there', url((text) => text.replace(/:\d+\//, ':1/')), 'Connection refused'],
    ['no TLS', url((text) => `${text}?sslmode=require`), 'server does not support SSL'],
  ])('%s', async (_, address, words) => {
    const failure: unknown = await open({ address: address() }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: 'SOURCE_REFUSED', message: expect.stringContaining(words) });
    const said = `${String(failure)} ${JSON.stringify(failure)}`;
    expect(said).not.toContain('hunter2');
    expect(said).not.toContain(cluster().password);
    expect(said).not.toContain(encodeURIComponent(cluster().password));
  });
});

test('a connection that is lost fails what waits and what comes', async () => {
  await using session = await open();
  const [row] = await session.query('SELECT pg_backend_pid()::text AS pid');
  const waiting = session.query('SELECT pg_sleep(1000)');
  const failure = waiting.then(
    () => undefined,
    (error: unknown) => error,
  );
  await cluster().sql(
    'postgres',
    `DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = ${row?.['pid']} AND query LIKE '%1000%')
     LOOP PERFORM pg_stat_clear_snapshot(); END LOOP; PERFORM pg_terminate_backend(${row?.['pid']}); END $$`,
  );
  expect(await failure).toMatchObject({ code: 'SOURCE_REFUSED' });
  await expect(session.query('SELECT 1')).rejects.toMatchObject({ code: 'SOURCE_REFUSED' });
});

test('an abort ends it, and its reason is what is told', async () => {
  const stop = new AbortController();
  await using session = await open({}, stop.signal);
  const waiting = session.query('SELECT pg_sleep(1000)');
  stop.abort(new Error('stopped by hand'));
  await expect(waiting).rejects.toThrow('stopped by hand');
});

test('a session that is closed in a transaction keeps nothing of it', async () => {
  {
    await using session = await open();
    await session.query('BEGIN');
    await session.query('CREATE TABLE unfinished ()');
  }
  expect(await cluster().sql('postgres', "SELECT to_regclass('unfinished') IS NULL")).toBe('t');
});

describe('programs elsewhere', () => {
  // `env` starts a program as a container's shell would, and is on every machine.
  test('connect with a password that stands in no list of arguments', async () => {
    await using session = await open({ via: ['env'] });
    const found = await session.query("SELECT current_setting('application_name') AS name");
    expect(found).toEqual([{ name: 'dbops' }]);
  });

  test('are asked for their version', async () => {
    const { version, paths } = await findClients(connect({ via: ['env'] }), ['psql', 'pg_dump'], 0, never);
    expect(version.major).toBeGreaterThanOrEqual(13);
    expect(paths).toEqual({ psql: 'psql', pg_dump: 'pg_dump' });
  });

  test('that are older than the server, or are not there, are told by what leads to them', async () => {
    await expect(findClients(connect({ via: ['env'] }), ['pg_dump'], 99, never)).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringMatching(/^pg_dump \d+\.\d+ there cannot read a server of PostgreSQL 99$/),
    });
    await expect(
      findClients(connect({ via: ['env', '-i', '/nowhere/docker'] }), ['psql'], 0, never),
    ).rejects.toMatchObject({
      code: 'TOOL_MISSING',
      message: expect.stringContaining('psql cannot be run by env -i /nowhere/docker: ended with status 127'),
    });
    await expect(findClients(connect({ via: ['/nowhere/docker'] }), ['psql'], 0, never)).rejects.toThrow('ENOENT');
    await expect(findClients(connect({ via: ['echo'] }), ['psql'], 0, never)).rejects.toThrow('for its version');
  });
});
