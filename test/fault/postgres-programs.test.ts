import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type Lie, lyingPrograms } from '../support/postgres/lying-programs.ts';
import {
  earlierBackup,
  expectNothingLeft,
  expectRefusal,
  expectSound,
  openPlace,
  type Place,
  storedIn,
} from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { processesIn, untilQuiet } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

// Programs that fail, lie, die or hang, for each format and each way to compress.

const shared = sharedCluster();

beforeAll(async () => {
  await shared().sql('postgres', 'CREATE DATABASE shop');
  await shared().sql('shop', 'CREATE TABLE item AS SELECT i, md5(i::text) AS t FROM generate_series(1, 20000) AS i');
});
const earlier = earlierBackup(shared, 'shop');

const forms = ['custom', 'plain', 'directory'].flatMap((format) =>
  ['zstd', 'gzip', 'none'].map((codec) => ({ format, codec })),
);

/** A place with one good backup, whose pg_dump is not to be trusted. */
async function placeWith(lie: Lie): Promise<Place> {
  const place = await openPlace(earlier());
  place.configure({ database: shared().url('shop'), binDir: await lyingPrograms(shared().binDir, lie) });
  return place;
}

/** The good backup that was there before is what it was to the last byte. */
async function expectAsBefore(place: Place, before: readonly string[]): Promise<void> {
  await expectNothingLeft(place, shared());
  expect(storedIn(place)).toEqual(before);
}

describe.each(forms)('$format, $codec', ({ format, codec }) => {
  test('A5: pg_dump that writes half and says that all is well makes no backup', async () => {
    const place = await placeWith('half-and-well');
    const before = storedIn(place);
    expectRefusal(await place.run(['backup', '--format', format, '--compress', codec]), {
      exitCode: 6,
      message: /not a whole backup|not whole|lacks|cannot be decompressed|cut/,
      hint: /Nothing was published/,
    });
    await expectAsBefore(place, before);
  });

  test('A5: pg_dump that writes all and fails makes no backup', async () => {
    const place = await placeWith('whole-and-failed');
    const before = storedIn(place);
    expectRefusal(await place.run(['backup', '--format', format, '--compress', codec]), {
      exitCode: 3,
      message: /^pg_dump of postgresql:\/\/\S+ failed: the very last step failed$/,
      hint: /log/,
    });
    await expectAsBefore(place, before);
  });

  test('A3: pg_dump that is killed is told with its signal, and makes no backup', async () => {
    const place = await placeWith('killed-midway');
    const before = storedIn(place);
    expectRefusal(await place.run(['backup', '--format', format, '--compress', codec]), {
      exitCode: 4,
      message: /^pg_dump of postgresql:\/\/\S+ failed: was killed by SIGKILL$/,
      hint: /memory/,
    });
    await expectAsBefore(place, before);
  });

  test('A4: what pg_dump warns of is said and recorded', async () => {
    const place = await placeWith('warns');
    const result = await place.run(['backup', '--format', format, '--compress', codec, '--json']);
    expect(result.exitCode).toBe(0);
    expect(result.stderr).toMatch(/^warning: .*circular foreign-key constraints/m);
    expect(JSON.stringify(result.json())).toContain('circular foreign-key constraints');
    await expectNothingLeft(place, shared());
    await expectSound(place, 2);
  });
});

describe.each([
  { format: 'custom', codec: 'zstd', signal: 'SIGINT', exitCode: 130 },
  { format: 'plain', codec: 'none', signal: 'SIGTERM', exitCode: 143 },
  { format: 'directory', codec: 'zstd', signal: 'SIGTERM', exitCode: 143 },
] as const)('pg_dump that hangs: $format, $codec', ({ format, codec, signal, exitCode }) => {
  test(`A2, A13: is ended with dbops by ${signal}, long before a container is`, async () => {
    const place = await placeWith('hangs-midway');
    const before = storedIn(place);
    const child = place.start(['backup', '--format', format, '--compress', codec]);
    let said = '';
    child.stderr?.on('data', (text: Buffer) => (said += text.toString()));
    const closed = once(child, 'close');
    await untilHanging(place);
    const since = performance.now();
    child.kill(signal);
    expect(await closed, said).toEqual([exitCode, null]);
    expect(performance.now() - since).toBeLessThan(8_000);
    expect(said).toMatch(new RegExp(`^error: stopped by ${signal} .*nothing unfinished was published$`, 'm'));
    await untilQuiet(place.cwd);
    await expectAsBefore(place, before);
  });
});

/** The programs of fixtures/bin hang as this one. */
async function untilHanging({ cwd }: Place): Promise<void> {
  const hanging = (): string => processesIn(cwd).join('\n');
  await vi.waitFor(() => expect(hanging()).toMatch(/sleep 600$/m), { timeout: 30_000, interval: 20 });
}

describe('a compressor in the pipe', () => {
  const fixtures = (name: string): string => fileURLToPath(new URL(`../../fixtures/bin/${name}`, import.meta.url));

  test.each(['fails-at-once', 'fails-late', 'killed-late'])(
    'A6: that %s ends the backup, and pg_dump with it',
    async (lie) => {
      const place = await openPlace(earlier());
      place.configure({ database: shared().url('shop') });
      const before = storedIn(place);
      for (const format of ['custom', 'plain', 'directory']) {
        const result = await place.run(['backup', '--format', format, '--compress', 'zstd'], {
          PATH: `${fixtures(lie)}:/usr/bin:/bin`,
        });
        expectRefusal(result, {
          exitCode: 4,
          message: /^zstd cannot compress: .*(status [13]|exit code [13]|SIGKILL)/,
          hint: /Repair or remove the zstd program/,
        });
        await expectAsBefore(place, before);
      }
    },
  );

  test.each(['SIGINT', 'SIGTERM'] as const)('A2: that hangs is ended with dbops by %s', async (signal) => {
    const place = await openPlace(earlier());
    place.configure({ database: shared().url('shop') });
    const before = storedIn(place);
    const child = place.start(['backup', '--compress', 'zstd'], { PATH: `${fixtures('stubborn')}:/usr/bin:/bin` });
    const closed = once(child, 'close');
    await untilHanging(place);
    child.kill(signal);
    expect(await closed).toEqual([signal === 'SIGINT' ? 130 : 143, null]);
    await untilQuiet(place.cwd);
    await expectAsBefore(place, before);
  });
});

test.each(['fails-at-once', 'fails-late', 'killed-late'])(
  'C12: a decompressor that %s is not taken for damage',
  async (lie) => {
    const place = await openPlace(earlier());
    place.configure({ database: shared().url('shop') });
    const before = storedIn(place);
    const PATH = `${fileURLToPath(new URL(`../../fixtures/bin/${lie}`, import.meta.url))}:/usr/bin:/bin`;
    const refusal = {
      exitCode: 4,
      message: /cannot be read: .*zstd.*; the stored file is what it was/,
      hint: /Repair the zstd program/,
    };
    for (const args of [
      ['verify', '--level', 'structure'],
      ['verify', '--level', 'restore'],
      ['restore', '--into', shared().url('copy')],
    ]) {
      expectRefusal(await place.run(args, { PATH }), refusal);
      await expectAsBefore(place, before);
    }
  },
);

describe('client programs', () => {
  test('G1: that are older than the server are refused before anything is dumped, with the package to install', async () => {
    const place = await placeWith('outdated');
    const before = storedIn(place);
    expectRefusal(await place.run(['backup']), {
      exitCode: 4,
      message: /pg_dump .*PostgreSQL 15 .*9\.6\.24/,
      hint: /postgresql-client-15 .*binDir/,
    });
    await expectAsBefore(place, before);
  });

  test('that are nowhere are told, with the package to install', async () => {
    const place = await openPlace();
    const empty = await temporaryFolder();
    place.configure({ database: shared().url('shop'), binDir: empty });
    expectRefusal(await place.run(['backup']), {
      exitCode: 4,
      message: new RegExp(`^psql not in ${empty}`),
      hint: /postgresql-client/,
    });
  });

  test('K10: that lie in a relative or empty entry of the PATH are not run', async () => {
    const place = await openPlace();
    for (const folder of ['trap', '.']) {
      mkdirSync(join(place.cwd, folder), { recursive: true });
      for (const name of ['psql', 'pg_dump', 'pg_dumpall', 'zstd']) {
        const script = join(place.cwd, folder, name);
        writeFileSync(script, `#!/bin/sh\ntouch '${place.cwd}/trapped'\nexit 1\n`);
        chmodSync(script, 0o755);
      }
    }
    const result = await place.run(['backup', shared().url('shop')], {
      PATH: `:.:trap:${shared().binDir}:/usr/bin:/bin`,
    });
    expect(result.exitCode, result.stderr).toBe(0);
    expect(readdirSync(place.cwd)).not.toContain('trapped');
  });
});
