import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runDbops, type RunResult } from '../support/run-dbops.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { contentOf, treeOf } from '../support/tree.ts';

interface Document {
  readonly ok: boolean;
  readonly exitCode: number;
  readonly targets: readonly {
    readonly target: string;
    readonly copied?: readonly { readonly id: string }[];
    readonly missing?: readonly { readonly id: string }[];
    readonly present: number;
    readonly left: readonly { readonly reason: string }[];
    readonly failed: readonly { readonly id: string; readonly error: { readonly code: string } }[];
  }[];
}

describe('dbops copy', () => {
  test('brings a destination up to date, and then has nothing to do', async () => {
    const { cwd, run } = await place(['app', 'queue']);
    const { exitCode, stdout } = await run('copy', '--to', 'nas');
    expect(stdout).toMatch(/^app: copied 1 backup \(.*\) to \S+nas, 0 there already\n {2}\S+ {2}.*\nqueue: copied 1/);
    expect(exitCode).toBe(0);
    expect(contentOf(join(cwd, 'nas'))).toEqual(contentOf(join(cwd, 'backups')));
    await run('backup', 'app.db', '--class', 'daily');
    expect((await run('copy', '--to', 'nas')).stdout).toMatch(
      /app: copied 1 .*, 1 there.*\n.*\nqueue: nothing to copy to/,
    );
    expect(documentOf(await run('copy', '--to', 'nas', '--json'))).toMatchObject({
      ok: true,
      targets: [{ present: 2 }, {}],
    });
    expect((await run('verify', '--all', '--storage', 'nas')).exitCode).toBe(0);
  });

  test('takes names of the configuration, and one target or one backup', async () => {
    const { cwd, run } = await place(['app', 'queue']);
    writeFileSync(join(cwd, 'dbops.yaml'), 'storages: { here: ./backups, nas: { url: ./nas } }\nstorage: here');
    const one = documentOf(await run('copy', '--from', 'here', '--to', 'nas', '--target', 'app', '--json'));
    expect(one.targets.map(({ target }) => target)).toEqual(['app']);
    await run('backup', 'app.db');
    const newest = readdirSync(join(cwd, 'backups/app')).find(
      (name) => !treeOf(join(cwd, 'nas')).includes(`app/${name}/`) && name !== 'latest',
    );
    const latest = documentOf(await run('copy', 'latest', '--to', 'nas', '--target', 'app', '--json'));
    expect(latest).toMatchObject({ targets: [{ copied: [{ id: newest }] }] });
    expect(treeOf(join(cwd, 'nas'))).not.toContain('queue/');
  });

  test('--dry-run names what would be copied, and writes nothing', async () => {
    const { cwd, run } = await place(['app']);
    const { exitCode, stdout } = await run('copy', '--to', 'nas', '--dry-run');
    expect(stdout).toMatch(/^app: would copy 1 backup/);
    expect(documentOf(await run('copy', '--to', 'nas', '--dry-run', '--json')).targets[0]?.missing).toHaveLength(1);
    expect(exitCode).toBe(0);
    expect(treeOf(cwd)).not.toContain('nas/');
  });

  test("leaves out what the destination's own retention would remove at once", async () => {
    const { cwd, run } = await place(['app']);
    await run('backup', 'app.db');
    const retention = '{ last: 1, classes: {} }';
    writeFileSync(join(cwd, 'dbops.yaml'), `storages: { nas: { url: ./nas, retention: ${retention} } }`);
    const [app] = documentOf(await run('copy', '--to', 'nas', '--json')).targets;
    expect(app?.copied).toHaveLength(1);
    expect(app?.left).toMatchObject([{ reason: expect.stringContaining('retention of the destination') }]);
  });

  test('a damaged backup ends it with exit 6 and is named, after the others were copied', async () => {
    const { cwd, run } = await place(['app', 'queue']);
    const part = treeOf(join(cwd, 'backups/app')).find((path) => path.endsWith('.zst')) ?? '';
    writeFileSync(join(cwd, 'backups/app', part), Buffer.alloc(700));
    const result = await run('copy', '--to', 'nas', '--json');
    const document = documentOf(result);
    expect(document).toMatchObject({
      ok: false,
      exitCode: 6,
      targets: [{ failed: [{ error: { code: 'DAMAGED' } }] }, {}],
    });
    expect(document.targets[1]?.copied).toHaveLength(1);
    expect(result.stderr).toMatch(/^error: not copied: app\//m);
    expect(result.exitCode).toBe(6);
    expect(treeOf(join(cwd, 'nas')).filter((path) => path.startsWith('app/2'))).toEqual([]);
  });

  test('what is known to be bad is left out with a warning, and refused by name', async () => {
    const { cwd, run } = await place(['app']);
    const part = treeOf(join(cwd, 'backups/app')).find((path) => path.endsWith('.zst')) ?? '';
    writeFileSync(join(cwd, 'backups/app', part), Buffer.alloc(700));
    expect((await run('verify')).exitCode).toBe(6);
    const result = await run('copy', '--to', 'nas');
    expect(result.stderr).toMatch(/warning: app: not copied, because verification failed: app\//);
    expect(result.exitCode).toBe(0);
    expect((await run('copy', 'latest', '--to', 'nas')).exitCode).toBe(9);
    expect(treeOf(cwd)).not.toContain('nas/');
  });

  test('--limit-rate slows the writing down', async () => {
    const { cwd, run } = await place([]);
    makeDatabase(join(cwd, 'big.db'), { mark: 'big', rows: 50, filling: 10_000 });
    await run('backup', 'big.db', '--compress', 'none');
    const started = performance.now();
    expect((await run('copy', '--to', 'nas', '--limit-rate', '500kB', '--verify', 'none')).exitCode).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(900);
  });
});

test('what cannot be copied is refused before anything is written', async () => {
  const { cwd, run } = await place(['app']);
  const refusals: readonly (readonly [args: readonly string[], code: number, message: string])[] = [
    [['--to', 'backups'], 2, 'cannot be copied to itself'],
    [['--from', 'missing', '--to', 'nas'], 10, 'there are no backups in'],
    [['--target', 'other', '--to', 'nas'], 10, 'of other'],
    [['2001', '--to', 'nas'], 10, 'no backup matches 2001'],
    [[], 2, '--to'],
    [['--to', 'nas', '--limit-rate', 'fast'], 2, 'at least 1kB'],
  ];
  for (const [args, code, message] of refusals) {
    const result = await run('copy', ...args);
    expect(result.stderr, args.join(' ')).toContain(message);
    expect(result.exitCode, args.join(' ')).toBe(code);
  }
  expect(treeOf(cwd)).not.toContain('nas/');
});

interface Place {
  readonly cwd: string;
  readonly run: (...args: readonly string[]) => Promise<RunResult>;
}

/** A folder with a database of each name, and a backup of each in `backups`. */
async function place(names: readonly string[]): Promise<Place> {
  const cwd = await temporaryFolder();
  for (const name of names) {
    makeDatabase(join(cwd, `${name}.db`), { mark: name });
    expect((await runDbops(['backup', `${name}.db`], { cwd })).exitCode).toBe(0);
  }
  return { cwd, run: (...args) => runDbops(args, { cwd }) };
}

function documentOf({ json }: RunResult): Document {
  return json() as Document;
}
