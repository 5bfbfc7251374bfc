import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { migrateScenes, smallMigrations, sqliteScene } from '../support/migrate-scene.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const versions = 'SELECT version FROM schema_migrations ORDER BY version';

describe.each(migrateScenes(sharedCluster()))('%s', (_name, open) => {
  test('a folder and a database of dbmate are gone on with as they are', async () => {
    const scene = await open();
    const people = '-- migrate:up\nCREATE TABLE people (id integer);\n\n-- migrate:down\nDROP TABLE people;\n';
    await scene.write({
      '20260101000001_people.sql': people,
      '20260101000002_pets.sql': people.replaceAll('people', 'pets'),
      '20260101000003_index.sql': '-- migrate:up transaction:false\nCREATE INDEX i ON pets (id);\n-- migrate:down\n',
    });
    await scene.sql(
      'CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); CREATE TABLE people (id integer)',
    );
    await scene.sql("INSERT INTO schema_migrations VALUES ('20260101000001')");
    const { exitCode, stderr } = await scene.migrate('up', '--backup', 'never');
    expect(exitCode, stderr).toBe(0);
    expect(await scene.sql(versions)).toBe('20260101000001\n20260101000002\n20260101000003');
    expect((await scene.migrate('rollback', '--backup', 'never')).stderr).toContain(
      '20260101000003_index has no rollback',
    );
    await scene.write({ '20260101000004_typo.sql': '-- migrate:up transaction=false\nSELECT 1;\n' });
    const typo = await scene.migrate('up', '--backup', 'never');
    expect([typo.exitCode, typo.stderr]).toEqual([
      11,
      expect.stringContaining('typo.sql:1: "-- dbops: transaction=false"'),
    ]);
    await scene.remove('20260101000004_typo.sql');
    // Put there by dbmate: undone by the file, because nothing was recorded with it.
    for (const version of ['20260101000003', '20260101000002']) {
      await scene.migrate('repair', '--forget', version, '--reason', 'a test');
    }
    expect((await scene.migrate('rollback', '--backup', 'never')).exitCode).toBe(0);
    expect(await scene.sql(versions)).toBe('');
    await expect(scene.sql('SELECT * FROM people')).rejects.toThrow(/people/);
  });

  test('the line that every file goes through refuses what cannot be run safely, before anything is run', async () => {
    const scene = await open();
    await scene.write({
      ...smallMigrations,
      '20260101000004_commit.sql': 'CREATE TABLE a (id integer);\nCOMMIT;\n',
      '20260101000005_typo.sql': '-- dbops: no-transactoin\nCREATE TABLE b (id integer);\n',
      '20260101000006_empty.sql': '-- nothing\n',
      '20260101000007_open.sql': "INSERT INTO users VALUES (3, 'x);\n",
      '20260101000007_twice.sql': 'CREATE TABLE c (id integer);\n',
      '20260101000008_bytes.sql': Buffer.from("INSERT INTO users VALUES (3, 'M\xfcller');\n", 'latin1'),
      'notes.sql': 'SELECT 1;\n',
      '20260101000009_lost_rollback.sql': 'DROP TABLE users;\n',
    });
    const { exitCode, stderr } = await scene.migrate('up');
    expect(exitCode).toBe(11);
    for (const said of [
      '20260101000004_commit.sql:2: COMMIT',
      '20260101000005_typo.sql:1: "-- dbops: no-transactoin" is no directive',
      '20260101000006_empty.sql: it holds no statement',
      '20260101000007_open.sql:1: a quoted string does not end',
      '20260101000007_open.sql and 20260101000007_twice.sql have the same version',
      '20260101000008_bytes.sql: it is not UTF-8',
      'notes.sql is not named like a migration',
      '20260101000009_lost_rollback.sql rolls back a migration that is not there',
    ]) {
      expect(stderr).toContain(said);
    }
    await expect(scene.sql('SELECT * FROM users')).rejects.toThrow(/users/);
  });

  test('validate needs no database, and says everything that is wrong', async () => {
    const scene = await open();
    await scene.write({ ...smallMigrations, '20260101000004_bad.sql': 'BEGIN;\nSELECT 1;\nCOMMIT;\n' });
    const { exitCode, json } = await scene.dbops(
      'migrate',
      'validate',
      '--json',
      scene.engine === 'sqlite' ? 'nowhere.db' : 'postgresql://nobody@127.0.0.1:1/nowhere',
    );
    expect([exitCode, json()]).toMatchObject([
      11,
      {
        files: 4,
        problems: [
          expect.stringContaining('bad.sql:1: BEGIN') as string,
          expect.stringContaining('bad.sql:3: COMMIT') as string,
        ],
        irreversible: ['20260101000003_orders', '20260101000004_bad'],
      },
    ]);
  });
});

test('create makes two empty files of one version, takes the next second when that is taken, and refuses _rollback', async () => {
  const scene = await sqliteScene();
  for (const name of ['one', 'two', 'three']) expect((await scene.dbops('migrate', 'create', name)).exitCode).toBe(0);
  const files = readdirSync(join(scene.cwd, 'migrations')).toSorted();
  expect(files.filter((file) => file.endsWith('_rollback.sql'))).toHaveLength(3);
  expect(new Set(files.map((file) => file.slice(0, 14))).size).toBe(3);
  for (const name of ['x_rollback', '../x', 'a b', '']) {
    expect((await scene.dbops('migrate', 'create', name)).exitCode).toBe(2);
  }
  expect(readdirSync(join(scene.cwd, 'migrations'))).toHaveLength(6);
});
