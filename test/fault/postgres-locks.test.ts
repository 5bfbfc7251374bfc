import { beforeAll, describe, expect, test } from 'vitest';
import { holdLock } from '../support/postgres/held-lock.ts';
import { expectNothingLeft, expectRefusal, openPlace, storedIn } from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

// Locks of others, time limits of the role, and what the role may not see.

const shared = sharedCluster({ auth: 'scram' });

beforeAll(async () => {
  await shared().sql('postgres', 'CREATE DATABASE shop');
  await shared().sql('shop', 'CREATE TABLE item AS SELECT i FROM generate_series(1, 100) AS i');
});

describe('G5: a table that a migration has locked', () => {
  test.each(['custom', 'directory'])(
    'ends a backup (%s) in time; who holds it is named, without his values',
    async (format) => {
      const place = await openPlace();
      await using _ = await holdLock(
        shared(),
        'shop',
        `ALTER TABLE item ADD COLUMN note text DEFAULT 'secret-canary', ADD COLUMN more text DEFAULT $$second-canary$$`,
      );
      const since = performance.now();
      const result = await place.run(['backup', shared().url('shop'), '--lock-timeout', '1s', '--format', format]);
      expect(performance.now() - since).toBeLessThan(10_000);
      expectRefusal(result, {
        exitCode: 3,
        message: /lock timeout; held by process \d+ \(migration\) for 00:00:\d\d: ALTER TABLE item ADD COLUMN/,
        hint: /--lock-timeout/,
      });
      expect(result.stderr).not.toMatch(/canary/);
      await expectNothingLeft(place, shared());
      expect(storedIn(place).filter((path) => path.includes('manifest'))).toEqual([]);
    },
  );

  test('is waited for as long as was said, and then backed up', async () => {
    const place = await openPlace();
    const lock = await holdLock(shared(), 'shop', 'LOCK TABLE item IN ACCESS EXCLUSIVE MODE');
    const run = place.run(['backup', shared().url('shop'), '--lock-timeout', '60s']);
    await lock.untilWaited('%');
    await lock[Symbol.asyncDispose]();
    expect((await run).exitCode).toBe(0);
  });
});

test('G4: time limits of the role end neither its backup nor its restore', async () => {
  const { sql, url } = shared();
  for (const limit of ['statement_timeout', 'idle_in_transaction_session_timeout', 'lock_timeout']) {
    await sql('postgres', `ALTER ROLE postgres SET ${limit} = '20ms'`);
  }
  try {
    const place = await openPlace();
    for (const args of [
      ['backup', url('shop'), '--format', 'directory', '--jobs', '2'],
      ['restore', '--into', url('copy')],
      ['verify', '--level', 'restore'],
    ]) {
      const result = await place.run(args);
      expect(result.stderr).not.toMatch(/^error/m);
      expect(result.exitCode).toBe(0);
    }
  } finally {
    await sql('postgres', 'SET statement_timeout = 0; ALTER ROLE postgres RESET ALL');
  }
});

describe('G8, G9: what the role cannot see ends the backup, and is named', () => {
  const as = (user: string): string => `postgresql://${user}:pass-canary@127.0.0.1:${shared().port}/ledger`;

  beforeAll(async () => {
    await shared().sql('postgres', 'CREATE DATABASE ledger');
    await shared().sql(
      'ledger',
      `
      CREATE ROLE reader LOGIN PASSWORD 'pass-canary';
      CREATE SCHEMA hidden; CREATE TABLE hidden.t (); CREATE TABLE open (); CREATE TABLE closed (i serial);
      CREATE TABLE ruled (who text); ALTER TABLE ruled ENABLE ROW LEVEL SECURITY;
      CREATE POLICY own ON ruled USING (who = current_user);
      GRANT SELECT ON open, ruled TO reader; GRANT SELECT ON hidden.t TO reader;
      SELECT lo_from_bytea(4711, 'content')`,
    );
  });

  test('all of it at once, with what to grant', async () => {
    const place = await openPlace();
    expectRefusal(await place.run(['backup', as('reader')]), {
      exitCode: 3,
      message:
        /^the role cannot read all of the database: no USAGE on schema hidden; no SELECT on table (public\.)?closed; no SELECT on sequence (public\.)?closed_i_seq; row security hides rows of table (public\.)?ruled; no SELECT on large object 4711$/,
      hint: /GRANT pg_read_all_data .* BYPASSRLS.* LARGE OBJECT/,
    });
    await expectNothingLeft(place, shared());
    expect(storedIn(place).filter((path) => path.includes('manifest'))).toEqual([]);
  });

  test('and what is left out on purpose is no reason', async () => {
    const place = await openPlace();
    const narrow = [
      '--exclude-schema',
      'hidden',
      '--exclude-table',
      'closed*',
      '--exclude-table',
      'ruled',
      '--no-blobs',
    ];
    const result = await place.run(['backup', as('reader'), ...narrow, '--json']);
    expect(result.stderr).not.toMatch(/^error/m);
    expect(JSON.stringify(result.json())).toContain('"excludeTables":["closed*","ruled"]');
  });

  test('a role that may not connect is told so', async () => {
    const place = await openPlace();
    await shared().sql(
      'ledger',
      "CREATE ROLE stranger LOGIN PASSWORD 'pass-canary'; REVOKE CONNECT ON DATABASE ledger FROM PUBLIC",
    );
    expectRefusal(await place.run(['backup', as('stranger')]), {
      exitCode: 3,
      message: /permission denied for database "ledger"; .*CONNECT/,
      hint: /GRANT CONNECT/,
    });
  });
});
