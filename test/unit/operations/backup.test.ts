import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DbopsError } from '../../../src/core/errors.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import type { DumpPart } from '../../../src/core/ports/engine.ts';
import type { BackupRequest } from '../../../src/operations/backup-request.ts';
import { backup } from '../../../src/operations/backup.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import { fakeEngine, fakeProgram, type FakeEngine, type FakeEngineOptions } from '../../support/fake-engine.ts';
import { backupRequest, catalogOf } from '../../support/operations.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestPorts } from '../../support/test-ports.ts';
import { litterIn } from '../../support/tree.ts';

interface Ran extends FakeEngine {
  readonly folder: string;
  readonly outcome: Manifest | Error;
}

/** One backup by an engine that answers as the test says. */
async function run(
  options: FakeEngineOptions,
  change: Partial<BackupRequest> & { compress?: string } = {},
): Promise<Ran> {
  const folder = join(await temporaryFolder(), 'backups');
  await using storage = createLocalStorage(folder);
  const { ports } = createTestPorts({ temporaryFolder: await temporaryFolder(), path: '/usr/bin:/bin' });
  const fake = fakeEngine(options);
  const codec = change.compress === 'none' ? undefined : ports.codecs.parse(change.compress ?? 'zstd');
  const request = { ...backupRequest('fake:app', storage, ports), engine: fake.engine, codec, ...change };
  const outcome = await backup(request, ports).then(
    ({ manifest }) => manifest,
    (error: unknown) => (error instanceof Error ? error : new Error('?')),
  );
  return { ...fake, folder, outcome };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing');
  return value;
}

const dump = (failure?: Error): DumpPart[] => [
  { name: 'db.dump', source: { type: 'program', program: fakeProgram('all of it', failure) } },
];

test('what nobody saw while it was made is looked at as it was stored', async () => {
  const { outcome, calls, requests } = await run({ parts: dump() });
  expect(outcome).toMatchObject({ parts: [{ name: 'db.dump.zst', codecs: [{ id: 'zstd' }] }] });
  expect(calls).toEqual(['dump', 'inspect contents', 'end dump']);
  expect(requests[1]).toEqual({ 'db.dump.zst': 'all of it' });
});

test('a dump that is not whole is never published, and nothing of it stays', async () => {
  const { outcome, folder, calls } = await run({ parts: dump(), problems: ['the archive ends early'] });
  expect(outcome).toMatchObject({
    code: 'VERIFY_FAILED',
    message: 'what was stored is not a whole backup: the archive ends early',
  });
  expect((await catalogOf(folder)).backups).toEqual([]);
  expect(litterIn(folder)).toEqual([]);
  expect(calls).toEqual(['dump', 'inspect contents', 'end dump']);
});

test.each(['zstd', 'gzip', 'none'])(
  'a program that fails after its last byte makes no backup, compressed by %s',
  async (compress) => {
    const { outcome, folder } = await run(
      { parts: dump(new DbopsError('TOOL_FAILED', 'pg_dump failed')) },
      { compress },
    );
    expect(outcome).toMatchObject({ code: 'TOOL_FAILED', message: 'pg_dump failed' });
    expect((await catalogOf(folder)).backups).toEqual([]);
    expect(litterIn(folder)).toEqual([]);
  },
);

test('facts that cannot be read make no backup either', async () => {
  const finish = (): Promise<void> => Promise.reject(new Error('the connection was lost'));
  const { outcome, folder } = await run({ parts: dump(), finish });
  expect(outcome).toMatchObject({ message: 'the connection was lost' });
  expect(litterIn(folder)).toEqual([]);
});

describe('it is looked at as a whole', () => {
  test('where the engine says that its end may be missing', async () => {
    expect((await run({ parts: dump(), inspection: 'whole' })).calls).toContain('inspect whole');
  });

  test('where the compressor may have lost it', async () => {
    const { ports } = createTestPorts({ temporaryFolder: await temporaryFolder(), path: '/usr/bin:/bin' });
    const codec = { ...required(ports.codecs.parse('zstd')), isSure: () => Promise.resolve(false) };
    expect((await run({ parts: dump() }, { codec })).calls).toContain('inspect whole');
    const parts = dump().map((part) => ({ ...part, compressed: true }));
    expect((await run({ parts }, { codec })).calls, 'it had no part in it').toContain('inspect contents');
  });
});

test('nothing is looked at when nothing was asked to be read back', async () => {
  const { outcome, calls } = await run({ parts: dump(), problems: ['unseen'] }, { readBack: false });
  expect(outcome).toMatchObject({ options: { readBack: false } });
  expect(calls).toEqual(['dump', 'end dump']);
});

test('a part that went from program to program has no recorded content; what passed here has', async () => {
  const { outcome: piped } = await run({ parts: dump() });
  const [part] = (piped as Manifest).parts;
  expect(part).not.toHaveProperty('raw');
  const { outcome: plain } = await run({ parts: dump() }, { compress: 'none' });
  expect((plain as Manifest).parts).toMatchObject([{ name: 'db.dump', bytes: 9, codecs: [] }]);
});

test('what its producer has compressed is stored as it is', async () => {
  const parts = dump().map((part) => ({ ...part, compressed: true }));
  const { outcome } = await run({ parts });
  expect(outcome).toMatchObject({ parts: [{ name: 'db.dump', bytes: 9, codecs: [] }] });
});

test('an engine is told what to dump, and which compression is wanted', async () => {
  const options = { format: 'plain', tables: ['users'] } as const;
  const { requests, outcome } = await run(
    { parts: dump() },
    { options: { ...options, tables: ['users'] }, compress: 'gzip:3' },
  );
  expect(requests[0]).toMatchObject({ options, compression: { id: 'gzip', level: 3 } });
  expect(outcome, 'a reader of the manifest sees that it is not all').toMatchObject({ options });
});
