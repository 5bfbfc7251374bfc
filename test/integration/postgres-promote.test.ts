import { once } from 'node:events';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { createCodecs } from '../../src/codecs/codecs.ts';
import type { Promotion, PromoteRequest } from '../../src/core/ports/engine.ts';
import { createConnection } from '../../src/engines/postgres/connection/connection.ts';
import { postgresDriver } from '../../src/engines/postgres/driver.ts';
import { promote } from '../../src/engines/postgres/restore/promote.ts';
import { openServer, type Server } from '../../src/engines/postgres/restore/server.ts';
import { createSideDatabase } from '../../src/engines/postgres/restore/side-database.ts';
import { startProgram } from '../../src/platform/program.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const cluster = sharedCluster({ settings: { allow_in_place_tablespaces: true } });
const never = new AbortController().signal;
const stamp = '20261120T020000Z';
const host = { environment: { PATH: '/usr/bin:/bin' }, temporaryFolder: '/tmp', codecs: createCodecs(undefined) };

const connect = (database: string): ReturnType<typeof createConnection> =>
  createConnection({ ...postgresDriver.locate(cluster().url(database), '/'), lockTimeoutMs: 5_000 }, host);

async function onServer<T>(database: string, work: (server: Server) => Promise<T>): Promise<T> {
  await using stack = new AsyncDisposableStack();
  return await work(await openServer(connect(database), never, stack));
}

/** Puts an empty database with a table `restored` in the place of another. */
function replace(name: string, change: Partial<PromoteRequest> = {}): Promise<Promotion> {
  return onServer(name, async (server) => {
    await using side = await createSideDatabase(server, name, {});
    await cluster().sql(side.name, 'CREATE TABLE restored ()');
    return await promote(
      server,
      side,
      connect(name),
      { settings: {}, allowOpen: false, stamp, signal: never, ...change },
      [],
    );
  });
}

const make = (name: string, more = ''): Promise<string> =>
  cluster().sql('postgres', `CREATE DATABASE ${quoted(name)};\n${more}`);
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const names = async (like: string): Promise<string[]> =>
  (await cluster().sql('postgres', `SELECT datname FROM pg_database WHERE datname LIKE '${like}' ORDER BY 1`)).split(
    '\n',
  );
const hasTable = (database: string): Promise<string> =>
  cluster().sql(database, "SELECT to_regclass('restored') IS NOT NULL");

test('the old database is kept, and the line that is given puts it back', async () => {
  const name = 'a "b" \'c\' $d';
  await make(name);
  const { kept, undo } = await replace(name);
  expect([await hasTable(name), await hasTable(kept ?? '')]).toEqual(['t', 'f']);
  await execa('sh', ['-c', undo ?? 'exit 1'], { env: { PATH: '/usr/bin:/bin' }, extendEnv: false });
  expect(await hasTable(name)).toBe('f');
});

test('the other line drops the old database, and nothing else', async () => {
  await make('dropped');
  const { kept, drop } = await replace('dropped');
  expect(await names('dropped%')).toEqual(['dropped', kept]);
  await execa('sh', ['-c', drop ?? 'exit 1'], { env: { PATH: '/usr/bin:/bin' }, extendEnv: false });
  expect(await names('dropped%')).toEqual(['dropped']);
});

test('it is dropped at once where somebody said so', async () => {
  await make('at_once');
  expect(await replace('at_once', { dropOld: true })).toMatchObject({ kept: undefined, undo: undefined, warnings: [] });
  expect(await names('at_once%')).toEqual(['at_once']);
  expect(await hasTable('at_once')).toBe('t');
});

test('two restores in one second keep both', async () => {
  await make('twice');
  const kept = [(await replace('twice')).kept, (await replace('twice')).kept].map(String);
  expect(await names('twice%')).toEqual(['twice', ...kept].toSorted());
});

test('a database that was not there has nothing to be put back', async () => {
  expect(await replace('quite_new')).toMatchObject({ kept: undefined, undo: undefined, drop: undefined });
  expect(await hasTable('quite_new')).toBe('t');
});

test('what belongs to the name stays with it: owner, grants, settings, limit, comment and disk', async () => {
  await cluster().sql('postgres', 'CREATE TABLESPACE "fast disk" LOCATION \'\'');
  await make(
    'mine',
    `CREATE ROLE chief; CREATE ROLE clerk;
     ALTER DATABASE mine OWNER TO chief;
     REVOKE ALL ON DATABASE mine FROM PUBLIC;
     GRANT CONNECT ON DATABASE mine TO clerk WITH GRANT OPTION;
     ALTER DATABASE mine SET search_path = "a b", public;
     ALTER DATABASE mine SET work_mem = '7MB';
     ALTER DATABASE mine SET "app.name" = 'it''s';
     ALTER ROLE clerk IN DATABASE mine SET statement_timeout = '5s';
     ALTER DATABASE mine CONNECTION LIMIT 17;
     COMMENT ON DATABASE mine IS 'of the "company"';`,
  );
  await cluster().sql('postgres', 'ALTER DATABASE mine SET TABLESPACE "fast disk"');
  const state = (name: string): Promise<string> =>
    cluster().sql(
      'postgres',
      `SELECT pg_get_userbyid(datdba), datacl, datconnlimit, shobj_description(d.oid, 'pg_database'), dattablespace,
         (SELECT array_agg(concat(setrole::regrole, setconfig) ORDER BY setrole) FROM pg_db_role_setting WHERE setdatabase = d.oid)
       FROM pg_database d WHERE datname = '${name}'`,
    );
  const before = await state('mine');
  const { kept } = await replace('mine');
  expect(await state('mine')).toBe(before);
  expect(await state(kept ?? '')).toBe(before);
  expect(before).toContain('clerk=c*/chief');
});

describe('a database in use', () => {
  /** Holds a connection to it for as long as the work takes. */
  async function whileUsed(name: string, work: () => Promise<void>): Promise<void> {
    const env = { ...cluster().env, PGDATABASE: name, PGAPPNAME: 'the app' };
    await using psql = startProgram({
      file: `${cluster().binDir}/psql`,
      args: ['-XAtq'],
      env,
      stdin: 'pipe',
      signal: never,
    });
    psql.child.stdin?.write('SELECT 1;\n');
    if (psql.child.stdout !== null) await once(psql.child.stdout, 'data');
    await work();
  }

  test('is not replaced, and who uses it is named', async () => {
    await make('busy');
    await whileUsed('busy', () =>
      expect(replace('busy')).rejects.toMatchObject({
        code: 'REFUSED',
        message: 'busy is in use by the app as postgres',
      }),
    );
    expect(await names('busy%')).toEqual(['busy']);
  });

  test('is replaced where somebody said so, and its connections are ended', async () => {
    await make('busier');
    await whileUsed('busier', async () => {
      const { kept } = await replace('busier', { allowOpen: true });
      expect([await hasTable('busier'), await hasTable(kept ?? '')]).toEqual(['t', 'f']);
    });
  });
});

describe('a side database', () => {
  test('that a killed run left is dropped; that of a living one, or of somebody else, is not', async () => {
    await onServer('postgres', async (server) => {
      await using living = await createSideDatabase(server, 'side', {});
      const comment = await cluster().sql(
        'postgres',
        `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = '${living.name}'`,
      );
      expect(comment).toMatch(/^dbops: restore under way, /);
      // The same process with another start time is how a number looks that was given again.
      const [, pid = '', start = ''] = /way, (\d+)_(\d+)/.exec(comment) ?? [];
      const dead = comment.replace(`${pid}_${start}`, `${pid}_1`);
      expect(dead).not.toBe(comment);
      await make('side_dbops_00000001', `COMMENT ON DATABASE side_dbops_00000001 IS '${dead}'`);
      await make('side_dbops_00000002');
      await cluster().sql('side_dbops_00000002', 'CREATE SCHEMA theirs');
      await using next = await createSideDatabase(server, 'side', {});
      expect(await names('side%')).toEqual(['side_dbops_00000002', living.name, next.name].toSorted());
    });
    expect(await names('side%'), 'the living ones were not promoted').toEqual(['side_dbops_00000002']);
  });

  test('has the encoding and the locale of the dump, or says that the server lacks them', async () => {
    await onServer('postgres', async (server) => {
      await using exact = await createSideDatabase(server, 'exact', { encoding: 'LATIN1', locale: 'C' });
      expect(await cluster().sql(exact.name, 'SHOW server_encoding')).toBe('LATIN1');
      expect(exact.warnings).toEqual([]);
      await using other = await createSideDatabase(server, 'other', { encoding: 'UTF8', locale: 'xx_XX.UTF-8' });
      expect(other.warnings).toEqual([expect.stringContaining('text sorts as in locale C')]);
    });
  });
});
