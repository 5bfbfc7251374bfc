import { describe, expect, test } from 'vitest';
import { createCodecs } from '../../../src/codecs/codecs.ts';
import type { Examination } from '../../../src/core/ports/engine.ts';
import { createRecall } from '../../../src/operations/recorded.ts';
import { planRestore, restore, type RestoreRequest } from '../../../src/operations/restore.ts';
import { createMemoryStorage } from '../../../src/storage/memory/memory-storage.ts';
import { fakeEngine, someFacts, type FakeEngine, type FakeEngineOptions } from '../../support/fake-engine.ts';
import { aBackup } from '../../support/manifests.ts';
import { patient } from '../../support/operations.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { createTestPorts } from '../../support/test-ports.ts';

interface Ran extends FakeEngine {
  readonly outcome: Awaited<ReturnType<typeof restore>> | Error;
}

async function run(options: FakeEngineOptions, change: Partial<RestoreRequest> = {}): Promise<Ran> {
  const { ports } = createTestPorts({ temporaryFolder: await temporaryFolder() });
  const fake = fakeEngine(options);
  const outcome = await restore({ ...requestOf(fake), ...change }, ports).catch((error: unknown) =>
    error instanceof Error ? error : new Error('?'),
  );
  return { ...fake, outcome };
}

function requestOf({ engine }: FakeEngine): RestoreRequest {
  const parts = { parts: [], open: () => Promise.reject(new Error('not asked for')) };
  const stored = { storage: createMemoryStorage(), backup: aBackup({ facts: someFacts }) };
  const recall = createRecall(stored.storage, stored.backup.prefix, stored.backup.manifest, createCodecs(undefined));
  return {
    subject: { label: 'app/x', engine, parts, encrypted: false, recall, bytes: undefined, stored },
    destination: { location: 'fake:app', lockTimeoutMs: 0 },
    replace: true,
    allowOpen: false,
    checks: [],
    signal: patient,
  };
}

const fewer = { ...someFacts, tables: [{ name: 'users', rows: 1 }] };
const otherSchema = { ...someFacts, schema: 'b'.repeat(64) };
const bench = { server: undefined, binDir: '/opt/pg' };
const failedCheck = { name: 'adds up', ok: false, rows: 3 };

test('a copy is looked at before it takes the place, and is not removed before that', async () => {
  const { calls, requests } = await run({}, { dropOld: true, allowOpen: true });
  expect(calls).toEqual(['stage beside', 'examine beside', 'promote', 'remove beside']);
  expect(requests[2]).toMatchObject({ allowOpen: true, dropOld: true, settings: { journal: 'wal' } });
});

test('the old database is kept unless somebody said otherwise', async () => {
  const { requests } = await run({});
  expect(requests[2]).toMatchObject({ dropOld: false });
});

describe('a copy that is not what was backed up', () => {
  test.each<[string, Partial<Examination>]>([
    ['has other rows', { facts: fewer }],
    ['has another schema', { facts: otherSchema }],
    ['is damaged', { problems: ['broken'], facts: undefined }],
    ['fails a check', { checks: [failedCheck] }],
  ])('%s: it is removed, and nothing takes its place', async (_, found) => {
    const { outcome, calls } = await run({ examination: () => found });
    expect(outcome).toMatchObject({ code: 'VERIFY_FAILED', hint: expect.stringContaining('fake:app was not touched') });
    expect(calls).toEqual(['stage beside', 'examine beside', 'remove beside']);
  });

  test('takes the place when somebody said to go on, and is told', async () => {
    const { outcome } = await run({ examination: () => ({ facts: fewer }) }, { options: { keepGoing: true } });
    expect(outcome).toMatchObject({ warnings: [expect.stringContaining('users')] });
  });

  test('does not when a check of the user failed, whatever was said', async () => {
    const examination = (): Partial<Examination> => ({ checks: [failedCheck] });
    const { outcome, calls } = await run({ examination }, { options: { keepGoing: true } });
    expect(outcome).toMatchObject({ code: 'VERIFY_FAILED' });
    expect(calls).not.toContain('promote');
  });
});

describe('a restore of definitions alone', () => {
  test('is not held against the rows of the backup', async () => {
    const { calls } = await run({ examination: () => ({ facts: fewer }) }, { options: { schemaOnly: true } });
    expect(calls).toContain('promote');
  });

  test('but against its schema', async () => {
    const { outcome } = await run({ examination: () => ({ facts: otherSchema }) }, { options: { schemaOnly: true } });
    expect(outcome).toMatchObject({ message: expect.stringContaining('the schema differs') });
  });
});

describe('a clean room', () => {
  test('comes first, on its own server, and is gone before the destination is asked for anything', async () => {
    const { calls, requests } = await run({}, { cleanRoom: bench });
    expect(calls.slice(0, 4)).toEqual(['stage apart', 'examine apart', 'remove apart', 'stage beside']);
    expect(requests[0]).toMatchObject({ bench });
    expect(requests[3]).not.toHaveProperty('bench');
  });

  test('keeps a backup that cannot be restored away from the destination', async () => {
    const examination = (place: 'apart' | 'beside'): Partial<Examination> =>
      place === 'apart' ? { facts: fewer } : {};
    const { outcome, calls } = await run({ examination }, { cleanRoom: bench });
    expect(outcome).toMatchObject({ code: 'VERIFY_FAILED' });
    expect(calls).toEqual(['stage apart', 'examine apart', 'remove apart']);
  });

  test('is not made where nobody asked for it', async () => {
    expect((await run({})).calls).not.toContain('stage apart');
  });
});

test('facts of another version are compared as far as they can be', async () => {
  const examination = (): Partial<Examination> => ({
    facts: otherSchema,
    comparable: (recorded) => ({ facts: { ...recorded, schema: otherSchema.schema }, warnings: [] }),
  });
  expect((await run({ examination })).calls).toContain('promote');
});

test('large temporary files go where somebody said when the destination is another machine', async () => {
  const place = await temporaryFolder();
  const { requests } = await run({}, { scratchParent: place });
  expect(requests[0]).toMatchObject({ scratch: expect.stringContaining(place) });
});

test.each([
  [{ exists: true }, { replace: false }, 'fake:app exists'],
  [{ exists: true, users: ['web as app'] }, {}, 'fake:app is in use by web as app'],
])('%j is refused before anything is made', async (destination, change, words) => {
  const { outcome, calls } = await run({ destination }, change);
  expect(outcome).toMatchObject({ code: 'REFUSED', message: words });
  expect(calls).toEqual([]);
});

test('a plan says where the copy is made and what becomes of the present database, and makes nothing', async () => {
  const { ports } = createTestPorts({ temporaryFolder: await temporaryFolder() });
  const fake = fakeEngine({ destination: { exists: true } });
  const { steps } = await planRestore({ ...requestOf(fake), checks: [{ name: 'a', sql: 'b' }] }, ports);
  expect(steps.join('\n')).toMatch(/into a place[^]*run 1 configured checks[^]*as app_\d{8}T\d{6}Z[^]*fake:app/);
  expect(fake.calls).toEqual([]);
});
