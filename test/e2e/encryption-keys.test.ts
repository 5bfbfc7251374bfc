import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ageKey } from '../support/age-keys.ts';
import { backedUp, openScene } from '../support/encrypted-scene.ts';
import { processesIn } from '../support/processes.ts';
import { treeOf } from '../support/tree.ts';

const stored = (folder: string): string =>
  treeOf(folder)
    .filter((name) => !name.endsWith('/'))
    .map((name) => readFileSync(join(folder, name)).toString('latin1'))
    .join('\n');

test('K1, K2, K5: secret key and passphrase are in no output, no file, no argument and no environment of a child', async () => {
  const scene = await openScene({ identityCommand: ['cat', 'key-of-command'] });
  const other = await ageKey();
  await copyFile(other.file, join(scene.cwd, 'key-of-command'));
  const secrets = [scene.key.secret, other.secret, 'canary-passphrase-canary'];
  const env = { DBOPS_AGE_IDENTITY: scene.key.secret, DBOPS_AGE_PASSPHRASE: secrets[2] ?? '' };
  const seen: string[] = [];
  for (const args of [
    ['backup', '--verify', 'restore', '--json'],
    ['backup', '--passphrase', '--log-level', 'trace'],
    ['verify', '--all', '--level', 'structure', '--log-file', 'log'],
    ['show', '--json'],
    ['key', 'rotate', '--recipient', other.recipient, '--log-level', 'trace'],
    ['restore', '--into', 'copy.db', '--log-level', 'trace'],
  ]) {
    const running = scene.run(args, env);
    await watchChildren(scene.cwd, running, seen);
    const { stdout, stderr } = await running;
    seen.push(stdout, stderr);
  }
  expect(seen.filter((text) => text.startsWith('child ')).length).toBeGreaterThan(0);
  const files = treeOf(scene.cwd).filter((name) => !/key-of-command$|\/$| -> /.test(name));
  seen.push(...files.map((name) => readFileSync(join(scene.cwd, name)).toString('latin1')));
  for (const secret of secrets) expect(seen.filter((text) => text.includes(secret))).toEqual([]);
});

/** Arguments and environments of all that runs here, but of the one process that was given the secrets. */
async function watchChildren(cwd: string, until: Promise<unknown>, seen: string[]): Promise<void> {
  const state = { ended: false };
  void until.then(() => (state.ended = true));
  while (!state.ended) {
    for (const line of processesIn(cwd)) {
      const [pid = '', ...words] = line.split(' ');
      seen.push(`arguments ${words.join(' ')}`);
      // The one that was given them.
      if (line.includes('bin/dbops.js')) continue;
      try {
        seen.push(`child ${words.join(' ')} ${readFileSync(`/proc/${pid}/environ`, 'utf8')}`);
      } catch {
        // Ended meanwhile.
      }
    }
    await delay(10);
  }
}

describe('key', () => {
  test('generate writes what age-keygen writes, for its owner alone, and never over another one', async () => {
    const { cwd, run } = await openScene();
    const made = await run(['key', 'generate', '--output', 'new.txt', '--json']);
    const { recipient } = made.json() as { recipient: string };
    const { stdout } = await promisify(execFile)('age-keygen', ['-y', join(cwd, 'new.txt')]);
    expect(stdout.trim()).toBe(recipient);
    const { stdout: mode } = await promisify(execFile)('stat', ['-c', '%a', join(cwd, 'new.txt')]);
    expect(mode.trim()).toBe('600');
    const before = readFileSync(join(cwd, 'new.txt'), 'utf8');
    expect((await run(['key', 'generate', '--output', 'new.txt'])).exitCode).toBe(9);
    expect(readFileSync(join(cwd, 'new.txt'), 'utf8')).toBe(before);
    expect((await run(['key', 'generate'])).exitCode).toBe(2);
    expect((await run(['key', 'generate', '--output', '-'])).stdout).toMatch(/^AGE-SECRET-KEY-1[0-9A-Z]{58}$/m);
  });

  test('rotate makes the same backup for others, and the old key opens nothing any more', async () => {
    const scene = await openScene();
    await backedUp(scene, '--class', 'pre-deploy', '--tag', 'release=42', '--pin');
    const before = (await scene.run(['show', '--json', '--identity', scene.key.file])).json() as Shown;
    const next = await ageKey();
    const rotate = ['key', 'rotate', '--recipient', next.recipient];
    expect((await scene.run([...rotate, '--identity', next.file])).exitCode).toBe(2);
    expect((await scene.run([...rotate, '--identity', scene.key.file, '--dry-run'])).stdout).toContain('would be');
    const rotated = await scene.run([...rotate, '--identity', scene.key.file]);
    expect(rotated.exitCode, rotated.stderr).toBe(0);
    const after = (await scene.run(['show', '--json', '--identity', next.file])).json() as Shown;
    expect(after.manifest).toEqual({
      ...before.manifest,
      id: basename(scene.folder()),
      parts: after.manifest['parts'],
      details: after.manifest['details'],
      recipientsDigest: after.manifest['recipientsDigest'],
      rotatedFrom: before.manifest['id'],
    });
    expect(after.details).toEqual({ ...before.details, backup: `app/${basename(scene.folder())}` });
    expect(stored(scene.folder())).not.toContain(next.recipient);
    expect((await scene.run(['verify', '--level', 'structure', '--identity', scene.key.file])).exitCode).toBe(2);
    expect((await scene.run(['verify', '--level', 'structure', '--identity', next.file])).exitCode).toBe(0);
    expect((await scene.run([...rotate, '--identity', scene.key.file])).stdout).toContain('already');
  });
});

interface Shown {
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly details: object;
}
