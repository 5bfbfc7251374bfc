import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { migrateScenes, smallMigrations, sqliteScene, type MigrateScene } from '../support/migrate-scene.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const scenes = migrateScenes(sharedCluster());
const [first, second, third] = ['20260101000001', '20260101000002', '20260101000003'] as const;
const versions = 'SELECT version FROM schema_migrations ORDER BY version';
const because = ['--reason', 'tried out'] as const;

async function migrated(open: () => Promise<MigrateScene>): Promise<MigrateScene> {
  const scene = await open();
  await scene.write(smallMigrations);
  expect((await scene.migrate('up')).exitCode).toBe(0);
  return scene;
}

async function stateOf(scene: MigrateScene, version: string): Promise<string | undefined> {
  const document = (await scene.migrate('status', '--json')).json() as {
    migrations: { version: string; state: string }[];
  };
  return document.migrations.find((migration) => migration.version === version)?.state;
}

describe.each(scenes)('%s', (_name, open) => {
  test('repair says with a reason what is true of one migration, and runs nothing', async () => {
    const scene = await migrated(open);
    await scene.write({ [`${second}_people.sql`]: "INSERT INTO users VALUES (5, 'e');\n" });
    expect(await stateOf(scene, second)).toBe('edited');
    expect((await scene.migrate('repair', '--accept', second)).exitCode).toBe(2);
    expect((await scene.migrate('repair', '--accept', second, ...because)).exitCode).toBe(0);
    expect(await stateOf(scene, second)).toBe('applied');
    expect((await scene.migrate('repair', '--forget', third, ...because)).exitCode).toBe(0);
    expect(await stateOf(scene, third)).toBe('pending');
    expect((await scene.migrate('repair', '--applied', third, ...because)).exitCode).toBe(0);
    expect(await stateOf(scene, third)).toBe('applied');
    expect(await scene.sql('SELECT count(*) FROM users')).toBe('2');
    const log = "SELECT version, kind, reason FROM schema_migrations_log WHERE reason = 'tried out' ORDER BY seq";
    expect(await scene.sql(log)).toBe(
      `${second}|accept|tried out\n${third}|forget|tried out\n${third}|baseline|tried out`,
    );
    expect((await scene.migrate('repair', '--applied', first, ...because)).exitCode).toBe(9);
    expect((await scene.migrate('repair', '--forget', '20990101000000', ...because)).exitCode).toBe(10);
  });

  test('what was accepted counts for the file that was applied then, not for one applied later', async () => {
    const scene = await migrated(open);
    await scene.write({ [`${second}_people.sql`]: "INSERT INTO users VALUES (5, 'e');\n" });
    await scene.migrate('repair', '--accept', second, ...because);
    await scene.write({ [`${third}_orders_rollback.sql`]: 'DROP TABLE orders;\n' });
    await scene.write({ [`${second}_people.sql`]: "INSERT INTO users VALUES (6, 'f');\n" });
    expect((await scene.migrate('redo', '--steps', '2', '--backup', 'never')).exitCode).toBe(0);
    expect(await stateOf(scene, second)).toBe('applied');
    await scene.write({ [`${second}_people.sql`]: "INSERT INTO users VALUES (5, 'e');\n" });
    expect(await stateOf(scene, second)).toBe('edited');
  });

  test('reset undoes all of them after a backup, and only with a word', async () => {
    const scene = await migrated(open);
    await scene.write({ [`${third}_orders_rollback.sql`]: 'DROP TABLE orders;\n' });
    const refused = await scene.migrate('reset');
    expect([refused.exitCode, refused.stderr]).toEqual([9, expect.stringContaining('hint: Add --yes')]);
    expect(await scene.sql(versions)).toBe(`${first}\n${second}\n${third}`);
    const { exitCode, stderr, json } = await scene.migrate('reset', '--yes', '--json');
    expect(exitCode, stderr).toBe(0);
    expect(json()).toMatchObject({
      finished: [{ version: third }, { version: second }, { version: first }],
      backup: { id: expect.any(String) as string },
    });
    expect(await scene.sql(versions)).toBe('');
  });

  test('a protected database is reset only by its name, however it is addressed', async () => {
    const scene = await migrated(open);
    await scene.write({ [`${third}_orders_rollback.sql`]: 'DROP TABLE orders;\n' });
    const config = { targets: { shop: { database: scene.address, protected: true } } };
    await writeFile(join(scene.cwd, 'dbops.json'), JSON.stringify(config));
    for (const word of ['shop', scene.address]) {
      const { exitCode, stderr } = await scene.dbops('migrate', 'reset', word, '--yes', '--backup', 'never');
      expect([exitCode, stderr]).toEqual([9, expect.stringContaining('Add --yes-replace shop')]);
    }
    const named = await scene.dbops('migrate', 'reset', 'shop', '--yes-replace', 'shop', '--backup', 'never');
    expect(named.exitCode, named.stderr).toBe(0);
  });

  test('health finds a schema that something else has changed, and nothing where all is well', async () => {
    const scene = await migrated(open);
    const well = await scene.migrate('health');
    expect([well.exitCode, well.stdout]).toEqual([0, expect.stringContaining('healthy, 0 pending')]);
    await scene.sql('CREATE INDEX by_hand ON users (name)');
    const { exitCode, stdout } = await scene.migrate('health');
    expect([exitCode, stdout]).toEqual([11, expect.stringContaining('something else has changed it since')]);
    await scene.sql('DROP INDEX by_hand');
    expect((await scene.migrate('health')).exitCode).toBe(0);
    await scene.remove(`${third}_orders.sql`);
    expect((await scene.migrate('health')).stdout).toContain(`${third}_orders is missing`);
  });
});

test('health and the end of a run report rows that point to nothing', async () => {
  const scene = await migrated(sqliteScene);
  await scene.sql('INSERT INTO orders VALUES (1, 99)');
  expect((await scene.migrate('health')).stdout).toContain('1 row of "orders" point to nothing in "users"');
});
