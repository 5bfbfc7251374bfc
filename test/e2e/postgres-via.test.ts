import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { runDbops } from '../support/run-dbops.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cluster = sharedCluster({ auth: 'scram' });
const elsewhere = fileURLToPath(new URL('../../fixtures/bin/elsewhere/run-there', import.meta.url));

async function configured(): Promise<{ cwd: string; env: Record<string, string>; seen: string }> {
  const cwd = await temporaryFolder();
  const seen = join(cwd, 'seen.txt');
  const { url, binDir, password } = cluster();
  const address = (name: string): string => url(name).replace(/:[^:@/]*@/, `:${encodeURIComponent(password)}@`);
  const target = (name: string): object => ({ database: address(name), via: ['run-there'] });
  const config = { storage: './backups', targets: { shop: target('shop'), copy: target('copy') } };
  await writeFile(join(cwd, 'dbops.json'), JSON.stringify(config), { mode: 0o600 });
  const path = `${join(elsewhere, '..')}:/usr/bin:/bin`;
  return { cwd, seen, env: { PATH: path, DBOPS_TEST_SEEN: seen, DBOPS_TEST_THERE: binDir } };
}

test('programs that run elsewhere get the password, which stands in no list of arguments', async () => {
  const { sql, password } = cluster();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql('shop', 'CREATE TABLE users AS SELECT i AS id FROM generate_series(1, 1000) AS i');
  const { cwd, env, seen } = await configured();
  const run = (...args: string[]) => runDbops([...args, '--json', '--log-level', 'debug'], { cwd, env });
  const results = [
    await run('backup', 'shop'),
    await run('verify', '--level', 'structure'),
    await run('restore', '--into', 'copy', '--yes-replace', 'copy'),
    await run('restore', '--into', 'copy', '--yes-replace', 'copy'),
  ];
  for (const { exitCode, stderr } of results) expect(exitCode, stderr).toBe(0);
  expect(await sql('copy', 'SELECT count(*) FROM users')).toBe('1000');
  expect(await readFile(seen, 'utf8')).toMatch(/pg_dump[^]*pg_restore/);
  const everything = [await readFile(seen, 'utf8'), ...results.flatMap(({ stdout, stderr }) => [stdout, stderr])];
  for (const form of [password, encodeURIComponent(password)]) {
    expect(everything.filter((text) => text.includes(form))).toEqual([]);
  }
});

test('the directory format is refused there, where its files would stay', async () => {
  const { cwd, env } = await configured();
  const { exitCode, stderr } = await runDbops(['backup', 'shop', '--format', 'directory'], { cwd, env });
  expect(stderr).toContain('cannot be dumped through run-there');
  expect(exitCode).toBe(2);
});
