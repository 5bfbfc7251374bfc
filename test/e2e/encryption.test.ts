import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ageKey } from '../support/age-keys.ts';
import { backedUp, openScene } from '../support/encrypted-scene.ts';
import { readDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { treeOf } from '../support/tree.ts';

describe('an encrypted backup', () => {
  test('is made without a secret, and shows ciphertext and what may be seen', async () => {
    const scene = await openScene();
    await backedUp(scene);
    expect(readdirSync(scene.folder()).toSorted()).toEqual([
      'SHA256SUMS',
      'app.db.zst.age',
      'details.json.age',
      'manifest.json',
    ]);
    const manifest = JSON.parse(readFileSync(join(scene.folder(), 'manifest.json'), 'utf8')) as object;
    expect(manifest).toMatchObject({
      formatVersion: 2,
      warnings: [],
      source: { settings: {} },
      parts: [{ name: 'app.db.zst.age', codecs: [{ id: 'zstd' }, { id: 'age' }] }],
    });
    expect(JSON.stringify(manifest)).not.toMatch(/facts":\{|"raw"|"rows":/);
    expect((await scene.run(['list'])).exitCode).toBe(0);
    expect((await scene.run(['verify'])).exitCode).toBe(0);
    const shown = await scene.run(['show']);
    expect(shown.stdout).toContain('The tables are encrypted too');
    expect((await scene.run(['show', '--identity', scene.key.file])).stdout).toMatch(/^TABLE +ROWS +CONTENT$/m);
  });

  test('comes back by plain tools', async () => {
    const scene = await openScene();
    await backedUp(scene);
    const script = 'sha256sum -c SHA256SUMS && age -d -i "$1" app.db.zst.age | zstd -dc > "$2"';
    const plain = join(scene.cwd, 'plain.db');
    await promisify(execFile)('bash', ['-o', 'pipefail', '-c', script, 'sh', scene.key.file, plain], {
      cwd: scene.folder(),
    });
    expect(readDatabase(plain)).toBe(readDatabase(join(scene.cwd, 'app.db')));
  });

  test('comes back by restore, and is compared with what was recorded', async () => {
    const scene = await openScene();
    await backedUp(scene);
    const restored = await scene.run(['restore', '--identity', scene.key.file, '--into', 'copy.db']);
    expect(restored.exitCode, restored.stderr).toBe(0);
    expect(readDatabase(join(scene.cwd, 'copy.db'))).toBe(readDatabase(join(scene.cwd, 'app.db')));
    const proven = await scene.run(['verify', '--level', 'restore', '--scratch-dir', '.'], {
      DBOPS_AGE_IDENTITY_FILE: scene.key.file,
    });
    expect(proven.stdout).toContain('equal to what was recorded of it');
  });

  test('with a passphrase needs nothing else', async () => {
    const scene = await openScene({ recipients: undefined, passphrase: true });
    const env = { DBOPS_AGE_PASSPHRASE: 'correct horse battery' };
    expect((await scene.run(['backup'])).exitCode).toBe(2);
    expect((await scene.run(['backup'], env)).exitCode).toBe(0);
    expect((await scene.run(['restore', '--into', 'copy.db'], env)).exitCode).toBe(0);
    const wrong = await scene.run(['restore', '--into', 'other.db'], { DBOPS_AGE_PASSPHRASE: 'another horse' });
    expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('another passphrase')]);
  });

  test('shows its facts where that is wanted, and is none where it is not', async () => {
    const open = await openScene({ facts: 'open' });
    await backedUp(open);
    const shown = (await open.run(['show', '--json'])).json() as { manifest: object };
    expect(shown.manifest).toMatchObject({ formatVersion: 1, facts: { tables: expect.any(Array) as unknown } });
    const plain = await openScene();
    await backedUp(plain, '--no-encrypt');
    expect(readdirSync(plain.folder())).toContain('app.db.zst');
  });

  test('a proof that needs a key fails before anything is dumped', async () => {
    const scene = await openScene();
    for (const level of ['structure', 'restore']) {
      expect((await scene.run(['backup', '--verify', level])).exitCode).toBe(2);
      const { file } = await ageKey();
      const wrong = await scene.run(['backup', '--verify', level], { DBOPS_AGE_IDENTITY_FILE: file });
      expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('another key')]);
    }
    expect(treeOf(scene.cwd)).not.toContain('backups');
    const right = { DBOPS_AGE_IDENTITY_FILE: scene.key.file };
    expect((await scene.run(['backup', '--verify', 'restore'], right)).exitCode).toBe(0);
  });

  test('a key for other backups that happens to be at hand does not keep a backup from being made', async () => {
    const scene = await openScene();
    const { secret } = await ageKey();
    expect((await scene.run(['backup'], { DBOPS_AGE_IDENTITY: secret })).exitCode).toBe(0);
  });
});

test('`config check` finds recipients that are none', async () => {
  for (const [encryption, message] of [
    [{ recipients: ['age1nothing'] }, /targets\.app: encryption: "age1nothing" is no recipient/],
    [{ recipients: undefined, recipientFiles: ['missing.pub'] }, /missing\.pub cannot be read/],
  ] as const) {
    const { run } = await openScene(encryption);
    const checked = await run(['config', 'check']);
    expect([checked.exitCode, checked.stderr]).toEqual([2, expect.stringMatching(message)]);
    expect((await run(['backup'])).exitCode).toBe(2);
  }
  expect((await (await openScene()).run(['config', 'check'])).exitCode).toBe(0);
});

test('a copy in another storage is as whole as it was', async () => {
  const scene = await openScene();
  await backedUp(scene);
  const copied = await scene.run(['copy', '--to', './offsite']);
  expect(copied.exitCode, copied.stderr).toBe(0);
  const flags = ['--storage', './offsite', '--identity', scene.key.file];
  const verified = await scene.run(['verify', '--level', 'restore', '--scratch-dir', '.', ...flags]);
  expect(verified.exitCode, verified.stderr).toBe(0);
});

describe('what is wrong with it is told', () => {
  test('C13: a wrong key is neither damage nor recorded', async () => {
    const scene = await openScene();
    await backedUp(scene);
    const { file, recipient } = await ageKey();
    for (const args of [
      ['verify', '--level', 'structure'],
      ['verify', '--level', 'restore', '--scratch-dir', '.'],
      ['restore', '--into', 'copy.db'],
    ]) {
      const wrong = await scene.run([...args, '--identity', file]);
      expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining(`tried: ${file} (${recipient})`)]);
      const none = await scene.run(args);
      expect([none.exitCode, none.stderr]).toEqual([2, expect.stringContaining('no identity was given')]);
    }
    expect(readdirSync(scene.folder()).filter((name) => name.startsWith('verify.'))).toEqual([]);
  });

  test.each([
    [
      'C1: a byte of the content',
      (bytes: Buffer) => flip(bytes, bytes.length - 100),
      /a byte was changed|was cut short or changed|does not match its sha256/,
    ],
    ['C1: a byte of the header', (bytes: Buffer) => flip(bytes, bytes.indexOf('\n--- ') + 9), /header was changed/],
    ['C1: a byte for whom it is', (bytes: Buffer) => flip(bytes, bytes.indexOf('X25519 ') + 12), /header was changed/],
    ['C2: its end', (bytes: Buffer) => bytes.subarray(0, -200), /bytes, should have|cut short/],
  ])('%s is damage, and says what', async (_, change, message) => {
    const scene = await openScene();
    await backedUp(scene);
    const file = join(scene.folder(), 'app.db.zst.age');
    writeFileSync(file, change(readFileSync(file)));
    const restored = await scene.run(['restore', '--identity', scene.key.file, '--into', 'copy.db']);
    expect([restored.exitCode, restored.stderr]).toEqual([6, expect.stringMatching(message)]);
    expect(treeOf(scene.cwd)).not.toContain('copy.db');
    const verified = await scene.run(['verify', '--identity', scene.key.file, '--level', 'structure']);
    expect(verified.exitCode).toBe(6);
    // The record says that there is a problem, and not which.
    const record = readdirSync(scene.folder()).find((name) => name.endsWith('.structure.bad.json')) ?? '';
    expect(readFileSync(join(scene.folder(), record), 'utf8')).toContain('not told because the backup is encrypted');
  });

  test('details of another backup are noticed', async () => {
    const scene = await openScene();
    await backedUp(scene);
    const first = scene.folder();
    await copyFile(join(first, 'details.json.age'), join(scene.cwd, 'details'));
    await backedUp(scene);
    const second =
      readdirSync(join(scene.cwd, 'backups', 'app')).find((name) => /^\d{8}T/.test(name) && name !== basename(first)) ??
      '';
    await copyFile(join(scene.cwd, 'details'), join(scene.cwd, 'backups', 'app', second, 'details.json.age'));
    const verified = await scene.run(['verify', second, '--level', 'checksum']);
    expect(verified.exitCode).toBe(6);
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
}

describe('plain content', () => {
  test('of a foreign file that age encrypted is restored, in bytes and in letters', async () => {
    const { cwd, key, run } = await openScene();
    for (const [name, form] of [
      ['a.db.zst.age', []],
      ['b.db.zst.age', ['--armor']],
    ] as const) {
      const script = 'zstd -qc app.db | age -r "$1" -o "$2" "${@:3}"';
      await promisify(execFile)('bash', ['-c', script, 'sh', key.recipient, name, ...form], { cwd });
      const restored = await run(['restore', `./${name}`, '--identity', key.file, '--into', `${name}.restored`]);
      expect(restored.exitCode, restored.stderr).toBe(0);
      expect(readDatabase(join(cwd, `${name}.restored`))).toBe(readDatabase(join(cwd, 'app.db')));
      const { file } = await ageKey();
      expect((await run(['restore', `./${name}`, '--identity', file, '--into', 'x'])).exitCode).toBe(2);
    }
  });

  test('touches no disk that nobody named', async () => {
    const scene = await openScene();
    const other = await temporaryFolder();
    await backedUp(scene, '--storage', other);
    const refused = await scene.run(['verify', '--level', 'restore', '--storage', other, '--identity', scene.key.file]);
    expect([refused.exitCode, refused.stderr]).toEqual([9, expect.stringContaining('--scratch-dir')]);
    // A folder that cannot be written to shows where the snapshot would have gone: beside the database.
    await scene.run(['backup', '--storage', other]);
    expect(treeOf(other).filter((name) => name.includes('.dbops-tmp'))).toEqual([]);
    expect(treeOf(join(scene.cwd, 'tmp'))).toEqual([]);
  });
});
