import { beforeAll, describe, expect, test } from 'vitest';
import { expectNothingLeft, expectRefusal, openPlace, storedIn } from '../support/postgres/place.ts';
import { startPooler } from '../support/postgres/pooler.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

// Poolers, odd names, and environments that mean ill or are empty.

const shared = sharedCluster();

beforeAll(async () => {
  const { sql } = shared();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql('shop', 'CREATE TABLE item AS SELECT i FROM generate_series(1, 100) AS i');
});

describe('G18: a pooler', () => {
  test.each([1, 2, 5])(
    'of transactions with %d connections is refused and named, and nothing is stored',
    async (size) => {
      await using pooler = await startPooler(shared(), 'transaction', size);
      const place = await openPlace();
      expectRefusal(await place.run(['backup', pooler.url('shop')]), {
        exitCode: 3,
        message: /\/shop leads to a transaction pooler, such as PgBouncer$/,
        hint: /DIRECT_URL/,
      });
      expect(storedIn(place)).toEqual([]);
      await expectNothingLeft(place);
    },
  );

  test('of sessions is as good as the server, and DIRECT_URL comes before one of transactions', async () => {
    await using sessions = await startPooler(shared(), 'session', 10);
    await using transactions = await startPooler(shared(), 'transaction');
    const place = await openPlace();
    const direct = await place.run(['backup', sessions.url('shop')]);
    expect(direct.exitCode, direct.stderr).toBe(0);
    const env = { DATABASE_URL: transactions.url('shop'), DIRECT_URL: sessions.url('shop') };
    const chosen = await place.run(['backup'], env);
    expect(chosen.exitCode, chosen.stderr).toBe(0);
  });
});

describe('G12: a database with an odd name comes and goes like any other', () => {
  test.each([
    `a "quoted" one's`,
    'line\nfeed',
    'host=evil dbname=other',
    'postgresql://evil/other',
    'größe 🐘',
    '-d',
    '$(touch trapped)`x`',
    'per%20cent',
    '../up',
    'x'.repeat(63),
  ])('%j', async (name) => {
    const place = await openPlace();
    await shared().sql('postgres', `CREATE DATABASE "${name.replaceAll('"', '""')}" TEMPLATE shop`);
    const url = shared().url(name);
    const made = await place.run(['backup', url]);
    if (name.includes('\n')) {
      expectRefusal(made, { exitCode: 2, message: /holds a character that no setting can/, hint: /./ });
      return;
    }
    expect(made.exitCode, made.stderr).toBe(0);
    const back = await place.run(['restore', '--into', url, '--yes']);
    expect(back.exitCode, back.stderr).toBe(0);
    expect(await shared().sql(name, 'SELECT count(*) FROM item')).toBe('100');
    await expectNothingLeft(place, shared());
  });
});

describe('K10: an environment', () => {
  test('that is empty, as nearly in cron, will do', async () => {
    const place = await openPlace();
    const result = await place.run(['backup', shared().url('shop')], { PATH: '', HOME: '', TMPDIR: '' });
    expect(result.exitCode, result.stderr).toBe(0);
  });

  test('that leads PostgreSQL elsewhere does not change what is dumped', async () => {
    const place = await openPlace();
    const env = {
      PGOPTIONS: '-c search_path=nowhere -c datestyle=german -c statement_timeout=1 -c row_security=off',
      PGDATABASE: 'postgres',
      PGHOST: '/nowhere',
      PGPORT: '1',
      PGCLIENTENCODING: 'SQL_ASCII',
      PGTZ: 'Asia/Tokyo',
      PAGER: 'touch trapped',
      PSQL_PAGER: 'touch trapped',
      PSQLRC: '/dev/null',
      PG_COLOR: 'always',
      LC_ALL: 'de_DE.UTF-8',
      LANGUAGE: 'de',
    };
    const result = await place.run(['backup', shared().url('shop'), '--json'], env);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(result.json()).toMatchObject({ backups: [{ manifest: { facts: { tables: [{ rows: 100 }] } } }] });
    expect((await place.run(['restore', '--into', shared().url('copy')], env)).exitCode).toBe(0);
    expect((await place.run(['verify', '--level', 'restore'], env)).exitCode).toBe(0);
  });

  test('with a service that does not exist is told', async () => {
    const place = await openPlace();
    expectRefusal(await place.run(['backup', 'service=nowhere'], { PGSERVICEFILE: '/dev/null' }), {
      exitCode: 3,
      message: /definition of service "nowhere" not found/,
      hint: /pg_service\.conf/,
    });
  });
});
