import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { openPlace, type Place } from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { treeOf } from '../support/tree.ts';

// K1, K2, K5: a password reaches the server, and nothing and nobody else.

const canary = "Canary'9 /@%:#?s3cret";
const shared = sharedCluster({ auth: 'scram' });

beforeAll(async () => {
  const { sql } = shared();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql('postgres', `CREATE ROLE keeper SUPERUSER LOGIN PASSWORD '${canary.replaceAll("'", "''")}'`);
  await sql('shop', 'CREATE TABLE item AS SELECT i, md5(i::text) AS t FROM generate_series(1, 5000) AS i');
});

const login = (password: string): string => `postgresql://keeper${password}@127.0.0.1:${shared().port}/shop`;

/** What everybody on the machine can see of processes while they run: arguments, and what they were handed. */
async function watchProcesses(place: Place, seen: Set<string>, until: Promise<unknown>): Promise<void> {
  const state = { ended: false };
  void until.then(() => (state.ended = true));
  while (!state.ended) {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        // Without arguments: between its start and its program.
        if (words === '' || Number(pid) === process.pid || !environment.includes(place.cwd)) continue;
        seen.add(`arguments ${words}`);
        // pg_dumpall asks its pg_dump for the version by a shell.
        if (!/pg_dump" -V|(^|\/)(psql|pg_dump|pg_dumpall|pg_restore|node)\0/.test(words))
          seen.add(`environment ${words} ${environment}`);
      } catch {
        // Ended meanwhile.
      }
    }
    await delay(10);
  }
}

const forms = [
  canary,
  encodeURIComponent(canary),
  canary.replace(/[\\:]/g, String.raw`\$&`),
  JSON.stringify(canary).slice(1, -1),
];

function expectNoCanary(text: string, where: string): void {
  for (const form of [...forms, 's3cret']) expect(text.includes(form), `${where}: ${text.slice(0, 2_000)}`).toBe(false);
}

const ways: readonly (readonly [string, (place: Place) => { address: string; env: Record<string, string> }])[] = [
  ['the address', () => ({ address: login(`:${encodeURIComponent(canary)}`), env: {} })],
  [
    'a password file',
    (place) => {
      const path = join(place.cwd, 'passwords');
      writeFileSync(path, `*:*:*:keeper:${canary.replace(/[\\:]/g, String.raw`\$&`)}\n`, { mode: 0o600 });
      return { address: login(''), env: { PGPASSFILE: path } };
    },
  ],
];

test.each(ways)('K1, K2: given by %s', async (_, way) => {
  const place = await openPlace();
  const { address, env } = way(place);
  place.configure({ database: '${SHOP_URL}', dump: { globals: true } });
  const all = { ...env, SHOP_URL: address, TMPDIR: place.temporary };
  const seen = new Set<string>();
  for (const args of [
    ['backup', '--json'],
    ['backup', '--format', 'directory', '--compress', 'zstd'],
    ['list', '--json'],
    ['show', '--json'],
    ['config', '--json'],
    ['restore', '--into', 'shop', '--yes'],
    ['verify', '--level', 'restore', '--json'],
    ['backup', '--table', 'nowhere'],
  ]) {
    const child = place.start([...args, '--log-level', 'debug', '--log-file', 'log'], all);
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
    const closed = once(child, 'close');
    await watchProcesses(place, seen, closed);
    expect(said).not.toMatch(/internal error|password authentication failed/);
    expectNoCanary(said, args.join(' '));
  }
  expect([...seen].join('\n')).toMatch(/pg_dump/);
  // The command's own arguments are the user's; nothing else has the password.
  for (const text of seen) expectNoCanary(text, 'a process');
  for (const path of treeOf(place.cwd).filter((name) => /^(backups|tmp|log)/.test(name) && !/\/$| -> /.test(name))) {
    expectNoCanary(readFileSync(join(place.cwd, path), 'latin1'), path);
  }
  const wrong = await place.run(['backup', login(':Canary2s3cret'), '--log-level', 'debug', '--json'], all);
  expect(wrong.exitCode).toBe(3);
  expectNoCanary(wrong.stderr + wrong.stdout, 'a wrong password');
});
