import { expect, test, vi } from 'vitest';
import { postgresScene, smallMigrations, type MigrateScene } from '../support/migrate-scene.ts';
import { startCommitWatch } from '../support/postgres/commit-watch.ts';
import { holdLock } from '../support/postgres/held-lock.ts';
import { startPooler } from '../support/postgres/pooler.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { startStandby } from '../support/postgres/standby.ts';

const cluster = sharedCluster({ auth: 'trust' });

const versions = 'SELECT version FROM schema_migrations ORDER BY version';
const one = { '20260101000001_one.sql': 'CREATE TABLE one (n integer);\nINSERT INTO one VALUES (1);\n' };

const open = (): Promise<MigrateScene> => postgresScene(cluster());
const databaseOf = ({ address }: MigrateScene): string => new URL(address).pathname.slice(1);

/** The address of the scene's database by another port of this machine. */
function through(scene: MigrateScene, port: number): string {
  return scene.address.replace(`:${cluster().port}/`, `:${port}/`);
}

/** Resolves once a session of the scene's database runs a statement like this. */
function untilRuns(scene: MigrateScene, pattern: string): Promise<void> {
  const asked = `SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = '${databaseOf(scene)}' AND state = 'active'
    AND pid <> pg_backend_pid() AND query LIKE '${pattern}'`;
  return vi.waitFor(async () => expect(await cluster().sql('postgres', asked)).toBe('t'), {
    timeout: 20_000,
    interval: 50,
  });
}

// The first COMMIT is that of the ledger, the second that of the migration.
test.each([
  ['asked', 11, '0'],
  ['answered', 0, '1'],
] as const)(
  'a connection lost at a COMMIT that was %s ends with %i, and the ledger tells the truth',
  async (when, code, rows) => {
    const scene = await open();
    await scene.write(one);
    const target = { host: '127.0.0.1', port: cluster().port };
    await using watch = await startCommitWatch(target, { when, nth: 2, strike: () => undefined });
    const { exitCode, stderr } = await scene.dbops('migrate', 'up', through(scene, watch.port));
    expect(exitCode, stderr).toBe(code);
    const applied = await scene.sql(`SELECT count(*) FROM schema_migrations`);
    const made = await scene.sql(`SELECT count(*) FROM pg_class WHERE relname = 'one'`);
    expect([applied, made]).toEqual([rows, rows]);
    const again = await scene.migrate('up', '--backup', 'never');
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await scene.sql('SELECT n FROM one')).toBe('1');
  },
);

test.each(['asked', 'answered'] as const)(
  'kill -9 when a COMMIT was %s: the next run leaves it applied once',
  async (when) => {
    const scene = await open();
    await scene.write(one);
    const target = { host: '127.0.0.1', port: cluster().port };
    let kill = (): void => undefined;
    await using watch = await startCommitWatch(target, { when, nth: 2, strike: () => kill() });
    const running = scene.startAt(through(scene, watch.port), 'up');
    kill = () => void running.kill('SIGKILL');
    expect((await running).signal).toBe('SIGKILL');
    const again = await scene.migrate('up', '--backup', 'never');
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await scene.sql('SELECT n FROM one')).toBe('1');
    expect(await scene.sql("SELECT count(*) FROM schema_migrations_log WHERE outcome = 'done'")).toBe('1');
  },
);

test('kill -9 in the middle of a file without a transaction: the next run waits for its statement, and goes on there', async () => {
  const scene = await open();
  await scene.write({
    '20260101000001_slow.sql':
      '-- dbops: no-transaction\nCREATE TABLE slow (n integer);\nDO $$ BEGIN IF NOT EXISTS (SELECT FROM slow) THEN PERFORM pg_sleep(2); INSERT INTO slow VALUES (1); END IF; END $$;\nINSERT INTO slow VALUES (2);\n',
  });
  const running = scene.start('up');
  await untilRuns(scene, '%pg_sleep(2)%');
  running.kill('SIGKILL');
  await running;
  expect((await scene.migrate('status')).stdout).toContain('unfinished');
  const again = await scene.migrate('up', '--backup', 'never');
  expect(again.exitCode, again.stderr).toBe(0);
  expect(await scene.sql('SELECT n FROM slow ORDER BY n')).toBe('1\n2');
  expect(await scene.sql(versions)).toBe('20260101000001');
});

test('a file without a transaction stops at the statement that fails, and goes on with it once it is corrected', async () => {
  const scene = await open();
  await scene.write({ ...one });
  await scene.migrate('up');
  const index = '-- dbops: no-transaction\nINSERT INTO one VALUES (2);\nCREATE INDEX CONCURRENTLY i ON one (n);\n';
  await scene.write({ '20260101000002_index.sql': `${index}INSERT INTO nothing VALUES (1);\n` });
  const failed = await scene.migrate('up', '--backup', 'never');
  expect([failed.exitCode, failed.stderr]).toEqual([11, expect.stringContaining('20260101000002_index.sql:4: ')]);
  expect(failed.stdout).toContain('2 of 3 statements are done and stay; running this again goes on with number 3');
  expect((await scene.migrate('status', '--json')).json()).toMatchObject({
    migrations: [{ state: 'applied' }, { state: 'unfinished', statementsDone: 2 }],
  });
  await scene.write({ '20260101000002_index.sql': `${index.replace('(2)', '(4)')}INSERT INTO one VALUES (3);\n` });
  const edited = await scene.migrate('up', '--backup', 'never', '--allow', 'edited');
  expect([edited.exitCode, edited.stderr]).toEqual([11, expect.stringContaining('what is done of it was edited')]);
  await scene.write({ '20260101000002_index.sql': `${index}INSERT INTO one VALUES (3);\n` });
  const again = await scene.migrate('up', '--backup', 'never');
  expect(again.exitCode, again.stderr).toBe(0);
  expect(await scene.sql('SELECT n FROM one ORDER BY n')).toBe('1\n2\n3');
});

test('a lock that is not given names who holds it, and leaves nothing', async () => {
  const scene = await open();
  await scene.write({
    ...one,
    '20260101000002_two.sql': 'CREATE TABLE two (n integer);\nALTER TABLE one ADD COLUMN m integer;\n',
  });
  await scene.migrate('up', '--steps', '1');
  await using stack = new AsyncDisposableStack();
  stack.use(await holdLock(cluster(), databaseOf(scene), 'SELECT * FROM one'));
  const words = ['--backup', 'never', '--lock-timeout', '800ms', '--lock-retries', '1'];
  const { exitCode, stderr } = await scene.migrate('up', ...words);
  expect(exitCode).toBe(11);
  expect(stderr).toMatch(
    /waiting for process \d+ \(postgres, migration\), idle in transaction[^]*error: .*two\.sql:2: .*lock timeout; held by process \d+ \(postgres, migration\)/,
  );
  expect(await scene.sql("SELECT count(*) FROM pg_class WHERE relname = 'two'")).toBe('0');
});

test('a lock that is given in the meantime costs a retry and nothing else', async () => {
  const scene = await open();
  await scene.write({ ...one, '20260101000002_two.sql': 'ALTER TABLE one ADD COLUMN m integer;\n' });
  await scene.migrate('up', '--steps', '1');
  const held = await holdLock(cluster(), databaseOf(scene), 'SELECT * FROM one');
  const running = scene.start('up', '--backup', 'never', '--lock-timeout', '300ms');
  let said = '';
  running.stderr.on('data', (text: Buffer) => (said += text.toString()));
  await vi.waitFor(() => expect(said).toContain('waiting for'), { timeout: 20_000, interval: 50 });
  await held[Symbol.asyncDispose]();
  const { exitCode } = await running;
  expect(exitCode, said).toBe(0);
  expect(await scene.sql(versions)).toContain('20260101000002');
});

test('while a run is at work another one waits no longer than it was told, and names it', async () => {
  const scene = await open();
  await scene.write({ '20260101000001_slow.sql': 'CREATE TABLE slow (n integer);\nSELECT pg_sleep(60);\n' });
  const running = scene.start('up');
  await untilRuns(scene, '%pg_sleep(60)%');
  const { exitCode, stderr } = await scene.migrate('up', '--lock-wait', '500ms');
  expect([exitCode, stderr]).toEqual([7, expect.stringMatching(/another run is migrating .*: process \d+ \(dbops\)/)]);
  running.kill('SIGINT');
  expect((await running).exitCode).toBe(130);
  await vi.waitFor(async () =>
    expect(await scene.sql("SELECT count(*) FROM pg_class WHERE relname = 'slow'")).toBe('0'),
  );
});

test('what a file sets for its session does not reach the next one', async () => {
  const scene = await open();
  await scene.sql('CREATE ROLE other; GRANT CREATE ON SCHEMA public TO other').catch(() => undefined);
  await scene.write({
    '20260101000001_leaks.sql':
      "SELECT pg_catalog.set_config('search_path', '', false);\nSET statement_timeout = 1;\nRESET statement_timeout;\nSET ROLE other;\n",
    '20260101000002_plain.sql': 'CREATE TABLE plain (n integer);\n',
  });
  const { exitCode, stderr } = await scene.migrate('up');
  expect(exitCode, stderr).toBe(0);
  expect(await scene.sql("SELECT schemaname, tableowner FROM pg_tables WHERE tablename = 'plain'")).toBe(
    'public|postgres',
  );
});

test('what looks done and is not is reported: invalid indexes, constraints not validated, rows that a cascade took', async () => {
  const scene = await open();
  await scene.write({
    '20260101000001_tables.sql':
      'CREATE TABLE parents (id integer PRIMARY KEY);\nCREATE TABLE children (parent integer REFERENCES parents ON DELETE CASCADE);\nINSERT INTO parents VALUES (1), (2);\nINSERT INTO children VALUES (1), (1), (2);\n',
  });
  await scene.migrate('up');
  await scene.sql('CREATE UNIQUE INDEX CONCURRENTLY broken ON children (parent)').catch(() => undefined);
  await scene.write({
    '20260101000002_damage.sql':
      'DELETE FROM parents WHERE id = 1;\nALTER TABLE children ADD CONSTRAINT positive CHECK (parent > 0) NOT VALID;\n',
  });
  const { exitCode, stdout } = await scene.migrate('up', '--backup', 'never');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('2 rows of public.children were deleted, and no DELETE names it');
  expect(stdout).not.toContain('public.parents');
  expect(stdout).toContain('the index public.broken is invalid');
  expect(stdout).toContain('the constraint positive of public.children is not validated');
});

test('a role that may only read can look, and is told what it lacks to migrate', async () => {
  const scene = await open();
  await scene.write(smallMigrations);
  await cluster()
    .sql('postgres', 'CREATE ROLE reader LOGIN; GRANT pg_read_all_data TO reader')
    .catch(() => undefined);
  const address = cluster().url(databaseOf(scene), 'reader');
  expect((await scene.dbops('migrate', 'status', address)).exitCode).toBe(0);
  const { exitCode, stderr } = await scene.dbops('migrate', 'up', address);
  expect([exitCode, stderr]).toEqual([
    3,
    expect.stringMatching(/ledger .* cannot be made: .*permission denied for schema public\nhint: .*--table/),
  ]);
});

test('a standby and a transaction pooler are refused', async () => {
  const scene = await open();
  await scene.write(smallMigrations);
  const standby = await startStandby(cluster());
  const socket = `postgresql:///${databaseOf(scene)}?host=${standby.socketFolder}&user=postgres`;
  try {
    await vi.waitFor(async () => expect(await standby.sql(databaseOf(scene), 'SELECT 1')).toBe('1'), {
      timeout: 20_000,
    });
    const { exitCode, stderr } = await scene.dbops('migrate', 'up', socket);
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('is a standby')]);
  } finally {
    await standby.stop();
  }
  await using pooler = await startPooler(cluster(), 'transaction');
  const { exitCode, stderr } = await scene.dbops('migrate', 'up', pooler.url(databaseOf(scene)));
  expect([exitCode, stderr]).toEqual([3, expect.stringContaining('transaction pooler')]);
  expect(await scene.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'schema_migrations%'")).toBe('0');
});
