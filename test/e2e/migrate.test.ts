import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { migrateScenes, smallMigrations, type MigrateScene } from '../support/migrate-scene.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const scenes = migrateScenes(sharedCluster());

interface StatusDocument {
  readonly migrations: readonly { readonly version: string; readonly state: string; readonly remarks: string[] }[];
}

async function statesOf(scene: MigrateScene): Promise<string[]> {
  const document = (await scene.migrate('status', '--json')).json() as StatusDocument;
  return document.migrations.map(({ state }) => state);
}

const versions = 'SELECT version FROM schema_migrations ORDER BY version';

describe.each(scenes)('%s', (_name, open) => {
  test('up applies what is pending in order, once, and records each with its checksums and times', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    expect(await statesOf(scene)).toEqual(['pending', 'pending', 'pending']);
    const { exitCode, stderr, json } = await scene.migrate('up', '--json');
    expect(exitCode, stderr).toBe(0);
    expect(json()).toMatchObject({
      ok: true,
      backup: null,
      finished: [{ name: 'users' }, { name: 'people' }, { name: 'orders' }],
    });
    expect(await scene.sql('SELECT id, name FROM users ORDER BY id')).toBe('1|a; -- b\n2|c');
    const log = await scene.sql(
      'SELECT version, kind, outcome, checksum, rollback, duration_ms >= 0, tool IS NOT NULL, schema_before <> schema_after FROM schema_migrations_log ORDER BY seq',
    );
    const text = smallMigrations['20260101000001_users.sql'] ?? '';
    const checksum = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    const yes = scene.engine === 'sqlite' ? '1' : 't';
    const no = scene.engine === 'sqlite' ? '0' : 'f';
    expect(log.split('\n').filter((line) => line.startsWith('2026'))).toEqual([
      `20260101000001|up|done|${checksum}|DROP TABLE users;`,
      expect.stringMatching(/^20260101000002\|up\|done\|sha256:\w{64}\|DELETE FROM users;$/),
      expect.stringMatching(new RegExp(`^20260101000003\\|up\\|done\\|sha256:\\w{64}\\|\\|${yes}\\|${yes}\\|${yes}$`)),
    ]);
    // Rows are no schema: the second one changed none of it.
    expect(log.split('\n').filter((line) => line.startsWith('|'))).toEqual([
      `|${yes}|${yes}|${yes}`,
      `|${yes}|${yes}|${no}`,
    ]);
    const again = await scene.migrate('up');
    expect([again.exitCode, again.stdout]).toEqual([0, expect.stringContaining('nothing to do')]);
    expect(await scene.sql('SELECT count(*) FROM users')).toBe('2');
  });

  test('status writes nothing, neither a ledger nor a file', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    const before = scene.engine === 'sqlite' ? readFileSync(join(scene.cwd, 'app.db')).toString('hex') : '';
    const { exitCode, stdout } = await scene.migrate('status');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /pending {2}20260101000001 {2}users .* yes\npending .*\npending .* no\n.*0 applied, 3 pending$/,
    );
    expect((await scene.migrate('status', '--check')).exitCode).toBe(11);
    if (scene.engine === 'sqlite') {
      expect(readFileSync(join(scene.cwd, 'app.db')).toString('hex')).toBe(before);
      expect(readdirSync(scene.cwd).toSorted()).toEqual(['app.db', 'migrations']);
    } else {
      expect(await scene.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'schema_migrations%'")).toBe('0');
    }
  });

  test('--to and --steps stop where they say, and --dry-run prints the SQL and runs none of it', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    const plan = await scene.migrate('up', '--dry-run', '--to', '20260101000002');
    expect(plan.stdout).toContain(smallMigrations['20260101000002_people.sql']?.trim());
    expect(plan.stdout).not.toContain('CREATE TABLE orders');
    expect(await statesOf(scene)).toEqual(['pending', 'pending', 'pending']);
    expect((await scene.migrate('up', '--steps', '1')).exitCode).toBe(0);
    expect(await scene.sql(versions)).toBe('20260101000001');
    expect((await scene.migrate('up', '--to', '20260101000002')).exitCode).toBe(0);
    expect(await scene.sql(versions)).toBe('20260101000001\n20260101000002');
  });

  test('a file that fails in its middle leaves nothing of itself, keeps those before it, and ends with 11', async () => {
    const scene = await open();
    await scene.write({
      ...smallMigrations,
      '20260101000002_people.sql': "INSERT INTO users VALUES (1, 'a');\n\nINSERT INTO nothing VALUES (2);\n",
    });
    const { exitCode, stdout, stderr } = await scene.migrate('up');
    expect(exitCode, stderr).toBe(11);
    expect(stderr).toMatch(/20260101000002_people\.sql:3: .*nothing/);
    expect(stdout).toContain('FAILED 20260101000002_people.sql; done before it, and kept: 1');
    expect(await scene.sql('SELECT count(*) FROM users')).toBe('0');
    expect(await scene.sql(versions)).toBe('20260101000001');
    expect(await scene.sql("SELECT count(*) FROM schema_migrations_log WHERE outcome = 'failed'")).toBe('1');
    await scene.write({ '20260101000002_people.sql': smallMigrations['20260101000002_people.sql'] ?? '' });
    expect((await scene.migrate('up', '--backup', 'never')).exitCode).toBe(0);
    expect(await scene.sql('SELECT count(*) FROM users')).toBe('2');
  });

  test('edited, missing, late and cosmetically changed files are told apart, and stop a run unless allowed', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    await scene.migrate('up');
    await scene.write({
      '20260101000001_users.sql': '-- of people\r\nCREATE  TABLE users(id integer PRIMARY KEY,name text) ;\r\n',
      '20260101000002_people.sql': "INSERT INTO users VALUES (1, 'a;');\n",
      '20260101000000_early.sql': 'CREATE TABLE early (id integer);\n',
    });
    await scene.remove('20260101000003_orders.sql');
    const { exitCode, json } = await scene.migrate('status', '--json');
    expect(exitCode).toBe(11);
    expect(json()).toMatchObject({
      ok: false,
      code: 'MIGRATION_DRIFT',
      migrations: [
        { state: 'out-of-order' },
        { state: 'applied', remarks: ['only comments or white space were changed since'] },
        { state: 'edited' },
        { state: 'missing' },
      ],
    });
    const refused = await scene.migrate('up', '--backup', 'never');
    expect(refused.exitCode).toBe(11);
    expect(refused.stderr).toMatch(/early is older[^]*people was edited[^]*orders is applied, and its file is missing/);
    expect((await scene.migrate('up', '--backup', 'never', '--allow', 'missing', 'edited')).exitCode).toBe(11);
    const allowed = await scene.migrate('up', '--backup', 'never', '--allow', 'missing', 'edited', 'out-of-order');
    expect(allowed.exitCode, allowed.stderr).toBe(0);
    expect(await scene.sql(versions)).toContain('20260101000000');
  });

  test('a backup is made before the change, named in output and ledger, and its line undoes the change', async () => {
    const scene = await open();
    await scene.write({ '20260101000001_users.sql': smallMigrations['20260101000001_users.sql'] ?? '' });
    expect((await scene.migrate('up')).exitCode).toBe(0);
    expect(existsSync(join(scene.cwd, 'backups'))).toBe(false);
    await scene.sql("INSERT INTO users VALUES (7, 'kept')");
    await scene.write({ '20260101000004_gone.sql': 'DELETE FROM users;\nDROP TABLE users;\n' });
    const { exitCode, stderr, json } = await scene.migrate('up', '--json');
    expect(exitCode, stderr).toBe(0);
    const { backup } = json() as { backup: { id: string; restore: string } };
    expect(await scene.sql("SELECT backup_id FROM schema_migrations_log WHERE version = '20260101000004'")).toBe(
      backup.id,
    );
    const list = (await scene.dbops('list', '--json')).json() as { backups: { id: string; class: string }[] };
    expect(list.backups).toMatchObject([{ id: backup.id, class: 'pre-deploy' }]);
    const [, ...words] = backup.restore.split(' ').map((word) => word.replace(/^'|'$/g, ''));
    const restored = await scene.dbops(...words);
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(await scene.sql('SELECT id, name FROM users')).toBe('7|kept');
    expect(await statesOf(scene)).toEqual(['applied', 'pending']);
  });

  test('without a backup that is whole nothing is changed', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    await scene.migrate('up', '--steps', '1');
    const { exitCode, stderr } = await scene.migrate('up', '--storage', '/proc/nowhere');
    expect(exitCode).toBe(5);
    expect(stderr).toContain('nothing was migrated, because the backup failed');
    expect(await scene.sql(versions)).toBe('20260101000001');
  });

  test('a database with tables and without a ledger is refused until a baseline is recorded', async () => {
    const scene = await open();
    await scene.sql('CREATE TABLE users (id integer PRIMARY KEY, name text)');
    await scene.write(smallMigrations);
    const refused = await scene.migrate('up');
    expect([refused.exitCode, refused.stderr]).toEqual([11, expect.stringContaining('no ledger')]);
    const baseline = await scene.migrate('baseline', '--to', '20260101000001');
    expect([baseline.exitCode, baseline.stdout]).toEqual([0, expect.stringContaining('recorded 20260101000001_users')]);
    expect(await statesOf(scene)).toEqual(['applied', 'pending', 'pending']);
    expect((await scene.migrate('up', '--backup', 'never')).exitCode).toBe(0);
  });

  test('the table of versions of another tool is taken over with its rows', async () => {
    const scene = await open();
    await scene.sql(
      "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); INSERT INTO schema_migrations VALUES ('20260101000001')",
    );
    await scene.sql('CREATE TABLE users (id integer PRIMARY KEY, name text)');
    await scene.write(smallMigrations);
    expect(await statesOf(scene)).toEqual(['applied', 'pending', 'pending']);
    const { exitCode, stderr } = await scene.migrate('up', '--backup', 'never');
    expect(exitCode, stderr).toBe(0);
    expect(await scene.sql(versions)).toBe('20260101000001\n20260101000002\n20260101000003');
    expect(await scene.sql('SELECT version FROM schema_migrations WHERE event IS NULL')).toBe('20260101000001');
  });

  test('twenty runs at once apply every migration once, and all end well', async () => {
    const scene = await open();
    await scene.write({
      // Long enough for all of them to have seen it pending.
      '20260101000001_counts.sql': `CREATE TABLE counts AS WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 3000000) SELECT min(n) AS n FROM c;\n`,
      '20260101000002_one.sql': 'INSERT INTO counts VALUES (1);\n',
      '20260101000003_two.sql': 'INSERT INTO counts VALUES (2);\n',
    });
    const runs = await Promise.all(Array.from({ length: 20 }, () => scene.start('up', '--backup', 'never')));
    for (const { exitCode, stderr } of runs) expect(exitCode, stderr).toBe(0);
    expect(await scene.sql('SELECT n FROM counts ORDER BY n')).toBe('0\n1\n2');
    expect(await scene.sql("SELECT count(*) FROM schema_migrations_log WHERE outcome = 'done'")).toBe('3');
  });

  test('a ledger of a newer dbops is not touched', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    await scene.migrate('up', '--steps', '1');
    await scene.sql('UPDATE schema_migrations_log SET format = 2');
    for (const verb of ['status', 'up']) {
      const { exitCode, stderr } = await scene.migrate(verb);
      expect([exitCode, stderr]).toEqual([11, expect.stringContaining('written by a newer dbops')]);
    }
  });

  test('rollback undoes what was applied last, by the text that was recorded, without its file', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    await scene.migrate('up', '--to', '20260101000002');
    await scene.write({ '20260101000000_late.sql': 'CREATE TABLE late (id integer);\n' });
    await scene.write({ '20260101000000_late_rollback.sql': 'DROP TABLE late;\n' });
    await scene.migrate('up', '--backup', 'never', '--steps', '1', '--allow', 'out-of-order');
    for (const file of ['20260101000000_late.sql', '20260101000000_late_rollback.sql']) await scene.remove(file);
    await scene.write({ '20260101000002_people_rollback.sql': 'DROP TABLE users;\n' });
    const plan = await scene.migrate('rollback', '--steps', '2', '--dry-run');
    expect(plan.stdout).toMatch(/DROP TABLE late[^]*DELETE FROM users/);
    const back = await scene.migrate('rollback', '--to', '20260101000001', '--json');
    expect(back.exitCode, back.stderr).toBe(0);
    expect(back.json()).toMatchObject({
      finished: [
        { name: 'late', kind: 'rollback' },
        { name: 'people', kind: 'rollback' },
      ],
      backup: { id: expect.stringMatching(/^\d{8}T/) as string },
    });
    expect(await scene.sql('SELECT count(*) FROM users')).toBe('0');
    expect(await scene.sql(versions)).toBe('20260101000001');
    expect(await scene.sql("SELECT version FROM schema_migrations_log WHERE kind = 'rollback' ORDER BY seq")).toBe(
      '20260101000000\n20260101000002',
    );
    expect((await scene.migrate('up', '--backup', 'never')).exitCode).toBe(0);
    expect(await scene.sql('SELECT count(*) FROM users')).toBe('2');
  });

  test('what nothing undoes is refused before anything is rolled back', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    await scene.migrate('up');
    const { exitCode, stderr } = await scene.migrate('rollback', '--steps', '3', '--backup', 'never');
    expect([exitCode, stderr]).toEqual([11, expect.stringContaining('20260101000003_orders has no rollback')]);
    expect(await scene.sql(versions)).toContain('20260101000003');
  });

  test('redo undoes and applies again from the file, and its new text is what is recorded', async () => {
    const scene = await open();
    await scene.write(smallMigrations);
    await scene.migrate('up', '--to', '20260101000002');
    await scene.write({ '20260101000002_people.sql': "INSERT INTO users VALUES (9, 'z');\n" });
    const { exitCode, stderr } = await scene.migrate('redo', '--backup', 'never');
    expect(exitCode, stderr).toBe(0);
    expect(await scene.sql('SELECT id FROM users')).toBe('9');
    expect(await statesOf(scene)).toEqual(['applied', 'applied', 'pending']);
  });
});
