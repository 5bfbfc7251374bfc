import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { bytesOf, infosOf, patient } from '../support/bodies.ts';
import { runDbops, type RunResult } from '../support/run-dbops.ts';
import { createBucket, type TestBucket } from '../support/s3/bucket.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// K1, K2: the key of a store reaches the store's library, and nothing and nobody else.

const shop = fileURLToPath(new URL('../../fixtures/databases/shop.db', import.meta.url));

interface Given {
  readonly settings: object;
  readonly env: Readonly<Record<string, string>>;
}

const ways: readonly (readonly [where: string, give: (bucket: TestBucket, folder: string) => Given])[] = [
  [
    'in clear in the configuration',
    ({ access: { accessKeyId, secretAccessKey } }) => ({ settings: { accessKeyId, secretAccessKey }, env: {} }),
  ],
  [
    'in variables',
    ({ access }) => ({
      settings: {},
      env: { AWS_ACCESS_KEY_ID: access.accessKeyId, AWS_SECRET_ACCESS_KEY: access.secretAccessKey },
    }),
  ],
  [
    'in files',
    ({ access }, folder) => {
      writeFileSync(join(folder, 'id'), `${access.accessKeyId}\n`);
      writeFileSync(join(folder, 'key'), `${access.secretAccessKey}\n`, { mode: 0o600 });
      const env = { AWS_ACCESS_KEY_ID_FILE: join(folder, 'id'), AWS_SECRET_ACCESS_KEY_FILE: join(folder, 'key') };
      return { settings: {}, env };
    },
  ],
];

test.for(ways)('a key that is given %s shows nowhere', async ([, give]) => {
  const bucket = await createBucket();
  const folder = await temporaryFolder();
  await copyFile(shop, join(folder, 'app.db'));
  const { settings, env } = give(bucket, folder);
  const run = async (name: string, ...args: readonly string[]): Promise<RunResult> => {
    const url = `s3://${name}/shop`;
    const storages = { offsite: { url, endpoint: bucket.access.endpoint, ...settings } };
    writeFileSync(join(folder, 'dbops.yaml'), JSON.stringify({ storages, storage: 'offsite' }));
    const all = [...args, '--log-level', 'trace', '--log-file', 'log'];
    return runDbops(all, { cwd: folder, env: { AWS_EC2_METADATA_DISABLED: 'true', DEBUG: '1', ...env } });
  };
  const seen: string[] = [];
  const work = Promise.all([run(bucket.name, 'backup', 'app.db'), watchArguments(folder, seen)]);
  const [backup] = await work;
  const runs = [backup, await run(bucket.name, 'verify', 'latest', '--json'), await run('no-such-bucket', 'list')];
  expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 5]);
  const stored = await Promise.all((await infosOf(bucket.open())).map(({ key }) => bucket.open().get(key, patient)));
  const texts = [
    ...seen,
    ...runs.flatMap(({ stdout, stderr }) => [stdout, stderr]),
    readFileSync(join(folder, 'log'), 'utf8'),
    ...(await Promise.all(stored.map(bytesOf))).map(String),
  ];
  expect(seen.length).toBeGreaterThan(0);
  expect(stored.length).toBeGreaterThan(2);
  const { secretAccessKey } = bucket.access;
  const forms = [secretAccessKey, encodeURIComponent(secretAccessKey), secretAccessKey.split('/')[1] ?? ''];
  for (const form of forms) expect(texts.filter((text) => text.includes(form))).toEqual([]);
});

/** The words of every process that was started in a folder, until it has made its log and ended. */
async function watchArguments(folder: string, seen: string[]): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (let idle = 0; idle < 20 && Date.now() < deadline; await delay(20)) {
    const found = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
      .flatMap((pid) => argumentsIn(pid, folder));
    seen.push(...found);
    idle = found.length === 0 && seen.length > 0 ? idle + 1 : 0;
  }
}

function argumentsIn(pid: string, folder: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`HOME=${folder}\0`)
      ? [readFileSync(`/proc/${pid}/cmdline`, 'utf8')]
      : [];
  } catch {
    // Ended meanwhile.
    return [];
  }
}
