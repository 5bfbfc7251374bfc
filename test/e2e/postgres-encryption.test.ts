import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { ageKey } from '../support/age-keys.ts';
import { lyingPrograms } from '../support/postgres/lying-programs.ts';
import { openPlace } from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { treeOf } from '../support/tree.ts';

const shared = sharedCluster();

beforeAll(async () => {
  const { sql } = shared();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql(
    'shop',
    'CREATE SCHEMA hush; CREATE TABLE hush.customers AS SELECT i, md5(i::text) AS t FROM generate_series(1, 5000) AS i',
  );
});

const formats: readonly (readonly [name: string, args: readonly string[]])[] = [
  ['an archive compressed by zstd', []],
  ['an archive compressed inside', ['--compress', 'gzip']],
  ['an archive that is not compressed', ['--compress', 'none']],
  ['plain SQL', ['--format', 'plain']],
  ['a directory', ['--format', 'directory', '--scratch-dir', '.']],
];

test.each(formats)('%s is encrypted without a secret, tells nothing, and comes back', async (_, args) => {
  const place = await openPlace();
  const { file, recipient } = await ageKey();
  place.configure({ database: shared().url('shop') }, { encryption: { recipients: [recipient] } });
  const made = await place.run(['backup', '--globals', '--exclude-table', 'nothing', ...args]);
  expect(made.exitCode, made.stderr).toBe(0);
  const files = treeOf(place.storage).filter((name) => /\d{8}T\d{6}Z-\w+\/.*[^/]$/.test(name));
  for (const name of files) {
    const bytes = readFileSync(join(place.storage, name)).toString('latin1');
    expect(bytes.includes('customers') || bytes.includes('hush'), name).toBe(false);
    if (!/(manifest\.json|SHA256SUMS)$/.test(name)) expect(name).toMatch(/\.age$/);
  }
  expect((await place.run(['verify', '--level', 'structure', '--identity', file])).exitCode).toBe(0);
  const into = shared().url(`back ${formats.findIndex(([name]) => name === _)}`);
  const restored = await place.run(['restore', '--identity', file, '--into', into, '--scratch-dir', '.']);
  expect(restored.exitCode, restored.stderr).toBe(0);
  // A backup that can be read again is, and is found to be whole.
  const again = await place.run(['backup', ...args], { DBOPS_AGE_IDENTITY_FILE: file });
  expect(again.exitCode, again.stderr).toBe(0);
});

test('an archive is restored by plain tools', async () => {
  const place = await openPlace();
  const { file, recipient } = await ageKey();
  const made = await place.run(['backup', shared().url('shop'), '--recipient', recipient, '--compress', 'zstd']);
  expect(made.exitCode, made.stderr).toBe(0);
  await shared().sql('postgres', 'CREATE DATABASE by_hand');
  const folder = join(place.storage, 'shop', 'latest');
  const part = readdirSync(folder).find((name) => name.startsWith('db.dump')) ?? '';
  const undo = part.endsWith('.zst.age') ? 'zstd -dc' : 'cat';
  const script = `age -d -i "$1" "$2" | ${undo} | "$3/pg_restore" --no-owner --exit-on-error --dbname="$4"`;
  await promisify(execFile)('bash', [
    '-o',
    'pipefail',
    '-c',
    script,
    'sh',
    file,
    join(folder, part),
    shared().binDir,
    shared().url('by_hand'),
  ]);
  expect(await shared().sql('by_hand', 'SELECT count(*) FROM hush.customers')).toBe('5000');
});

test.each(['custom', 'plain', 'directory'])(
  'A5: half of a dump in format %s is noticed by whoever cannot read it again',
  async (format) => {
    const place = await openPlace();
    const { recipient } = await ageKey();
    const binDir = await lyingPrograms(shared().binDir, 'half-and-well');
    place.configure({ database: shared().url('shop'), binDir }, { encryption: { recipients: [recipient] } });
    for (const codec of ['zstd', 'gzip', 'none']) {
      const args = ['--format', format, '--compress', codec, '--scratch-dir', '.'];
      const made = await place.run(['backup', ...args]);
      expect([made.exitCode, made.stderr], codec).toEqual([
        6,
        expect.stringMatching(/not whole|not a whole|lacks|cut/),
      ]);
      expect(treeOf(place.storage).filter((name) => name.endsWith('manifest.json'))).toEqual([]);
    }
  },
);

test('K5: programs that run elsewhere get no key', async () => {
  const place = await openPlace();
  const { secret, recipient } = await ageKey();
  const via = join(place.cwd, 'via');
  writeFileSync(via, `#!/bin/sh\nenv >> ${place.cwd}/environment\nexec "$@"\n`, { mode: 0o755 });
  place.configure({ database: shared().url('shop'), via: [via], binDir: shared().binDir });
  const made = await place.run(['backup', '--recipient', recipient], { DBOPS_AGE_IDENTITY: secret });
  expect(made.exitCode, made.stderr).toBe(0);
  const seen = readFileSync(join(place.cwd, 'environment'), 'utf8');
  expect(seen).toContain('PATH=');
  expect(seen.includes(secret)).toBe(false);
});

test('what would put plain content on a disk that nobody named is refused, and what would not is done', async () => {
  const place = await openPlace();
  const { file, recipient } = await ageKey();
  place.configure({ database: shared().url('shop') }, { encryption: { recipients: [recipient], identities: [file] } });
  expect((await place.run(['backup', '--format', 'directory'])).exitCode).toBe(9);
  expect((await place.run(['backup', '--verify', 'restore'])).exitCode).toBe(9);
  expect(treeOf(place.storage).filter((name) => name.endsWith('manifest.json'))).toEqual([]);
  expect((await place.run(['backup'])).exitCode).toBe(0);
  expect((await place.run(['verify', '--level', 'restore'])).exitCode).toBe(9);
  const proven = await place.run(['verify', '--level', 'restore', '--scratch-url', shared().url('postgres')]);
  expect(proven.exitCode, proven.stderr).toBe(0);
  const into = shared().url('streamed');
  expect((await place.run(['restore', '--into', into, '--jobs', '2'])).exitCode).toBe(9);
  const streamed = await place.run(['restore', '--into', into]);
  expect(streamed.exitCode, streamed.stderr).toBe(0);
  expect(await shared().sql('streamed', 'SELECT count(*) FROM hush.customers')).toBe('5000');
  expect(treeOf(place.temporary)).toEqual([]);
  const one = ['restore', '--table', 'hush.customers', '--into', into, '--overwrite', '--yes-replace', 'streamed'];
  expect((await place.run(one)).exitCode).toBe(9);
  const table = await place.run([...one, '--scratch-dir', '.']);
  expect(table.exitCode, table.stderr).toBe(0);
});
