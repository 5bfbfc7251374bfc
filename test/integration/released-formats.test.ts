import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { publicKey } from '../support/age-keys.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { runDbops } from '../support/run-dbops.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// One storage for every format version that was ever released, sealed when it was: none may ever be changed.
const released = fileURLToPath(new URL('../../fixtures/backups', import.meta.url));

// Those of format 2 are encrypted for a key that everybody knows; whoever reads them says where plain files may be.
const env = { DBOPS_AGE_IDENTITY: publicKey.secret };
const scratch = ['--scratch-dir', '.'];

interface Listed {
  readonly id: string;
  readonly target: string;
  readonly pinned: boolean;
}

describe.each(await readdir(released))('C9: a storage of %s', (version) => {
  // What it was made by; newer servers restore it too, which others prove.
  const cluster = sharedCluster({ version: '15' });

  test('is listed, and proven by restoring every backup', async () => {
    const { cwd, backups } = await open(version);
    expect(backups.map(({ target, pinned }) => [target, pinned])).toEqual([
      ['app', false],
      ['app', true],
      ['app', true],
      ['shop', false],
      ['shop', false],
      ['shop', false],
    ]);
    const verified = await runDbops(['verify', '--all', '--level', 'restore', '--json', ...scratch], { cwd, env });
    expect(verified.exitCode, verified.stdout).toBe(0);
    // A digest that is made in another way than then would be left out of the proof.
    expect(verified.stdout).not.toContain('not compared');
  });

  test('gives its SQLite files back', async () => {
    const { cwd, backups } = await open(version);
    for (const { id } of backups.filter(({ target }) => target === 'app')) {
      const into = join(cwd, `${id}.db`);
      const restored = await runDbops(['restore', id, '--into', into], { cwd, env });
      expect(restored.exitCode, restored.stderr).toBe(0);
      expect(usersIn(into)).toEqual(['Ada', 'Grace', "O'Neil"]);
    }
  });

  test('gives its databases of PostgreSQL back, in each format', async () => {
    const { cwd, backups } = await open(version);
    const formats: unknown[] = [];
    for (const { id } of backups.filter(({ target }) => target === 'shop')) {
      const shown = (await runDbops(['show', id, '--json'], { cwd })).stdout;
      formats.push(/"format": ?"(\w+)"/.exec(shown)?.[1]);
      // Those after the first find its roles there.
      const globals = formats.length === 1 ? ['--globals'] : [];
      const restored = await runDbops(['restore', id, '--into', cluster().url(id), ...globals, ...scratch], {
        cwd,
        env,
      });
      expect(restored.exitCode, restored.stderr).toBe(0);
      const names = await cluster().sql(id, "SELECT string_agg(name, ', ' ORDER BY id) FROM users");
      expect(names).toBe("Ada, Grace, O'Neil");
      expect(await cluster().sql(id, 'SELECT lo_get(4711), sum FROM sales.sums WHERE customer = 1')).toBe(
        String.raw`\x0001feff|9.95`,
      );
    }
    expect(new Set(formats)).toEqual(new Set(['custom', 'directory', 'plain']));
  });
});

async function open(version: string): Promise<{ cwd: string; backups: readonly Listed[] }> {
  const cwd = await temporaryFolder();
  await cp(join(released, version), join(cwd, 'backups'), { recursive: true });
  const list = await runDbops(['list', '--json'], { cwd });
  const { backups, broken } = list.json() as { backups: readonly Listed[]; broken: unknown[] };
  expect(broken).toEqual([]);
  return { cwd, backups: backups.toSorted((a, b) => (a.id < b.id ? -1 : 1)) };
}

function usersIn(file: string): unknown[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare('SELECT name FROM users ORDER BY id').pluck().all();
  } finally {
    db.close();
  }
}
