import { describe, expect, test } from 'vitest';
import type { Backup, BrokenBackup, Catalog } from '../../../src/core/catalog.ts';
import { planCopy, type CopyQuestion } from '../../../src/core/copy-plan.ts';
import { DbopsError } from '../../../src/core/errors.ts';
import { parseObjectKey } from '../../../src/core/ids.ts';
import type { Manifest } from '../../../src/core/manifest.ts';
import { aBackup, aManifest, backupId } from '../../support/manifests.ts';

const ids = ['20261118T020000Z-00000001', '20261119T020000Z-00000002', '20261120T020000Z-00000003'] as const;
const [first, second, third] = ids;

/** A backup with the finishing time that its id says. */
function made(id: string, change: Partial<Backup> = {}, manifest: Partial<Manifest> = {}): Backup {
  const day = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}`;
  const finishedAt = `${day}T02:00:00.000Z`;
  return { ...aBackup({ id: backupId(id), startedAt: finishedAt, finishedAt, ...manifest }), ...change };
}

function holding(backups: readonly Backup[], broken: readonly BrokenBackup[] = []): Catalog {
  return { backups, broken, litter: [] };
}

function broken(id: string, names: readonly string[], unread?: DbopsError): BrokenBackup {
  const objects = names.map((name) => ({
    key: parseObjectKey(`app/${id}/${name}`),
    bytes: 1,
    modifiedAt: new Date(0),
  }));
  return { prefix: `app/${id}`, reason: 'it is broken', unread, objects };
}

/** The plan in short words: ids, by what is decided of them. */
function decide(source: Catalog, there: Catalog, change: Partial<CopyQuestion> = {}) {
  const now = new Date('2026-11-20T12:00:00Z');
  const plan = planCopy({ source, there, named: undefined, policy: undefined, now, ...change });
  return {
    missing: plan.missing.map(({ manifest }) => manifest.id),
    present: plan.present.map(({ manifest }) => manifest.id),
    left: plan.left.map(({ prefix }) => prefix.slice(4)),
    refused: plan.refused.map(({ prefix, error }) => `${prefix.slice(4)} ${error.code}`),
    doubtful: plan.doubtful.map(({ prefix }) => prefix.slice(4)),
  };
}

const nothing = { missing: [], present: [], left: [], refused: [], doubtful: [] };

describe('what is copied', () => {
  test('everything that is not there, oldest first by recorded time', () => {
    const late = made(first, {}, { finishedAt: '2026-11-20T05:00:00.000Z' });
    const plan = decide(holding([late, made(third), made(second)]), holding([]));
    expect(plan).toEqual({ ...nothing, missing: [second, third, first] });
  });

  test('nothing that is there already, and nothing of what only the destination has', () => {
    const plan = decide(holding([made(second), made(third)]), holding([made(first), made(second)]));
    expect(plan).toEqual({ ...nothing, missing: [third], present: [second] });
  });

  test('nothing that is there for other keys, unless it is named', () => {
    const [old, rotated] = [made(first), made(second, {}, { rotatedFrom: first })];
    const left = (id: string): object => ({ ...nothing, left: [id] });
    expect(decide(holding([old]), holding([rotated]))).toEqual(left(first));
    expect(decide(holding([rotated]), holding([old]))).toEqual(left(second));
    expect(decide(holding([made(third, {}, { rotatedFrom: first })]), holding([rotated]))).toEqual(left(third));
    const named = new Set([`app/${second}`]);
    expect(decide(holding([rotated]), holding([old]), { named })).toEqual({ ...nothing, missing: [second] });
  });

  test('of named backups only those', () => {
    const source = holding(ids.map((id) => made(id)));
    const plan = decide(source, holding([]), { named: new Set([`app/${second}`]) });
    expect(plan).toEqual({ ...nothing, missing: [second] });
  });

  test('what an interrupted copy left without a manifest is completed, also where it looks like a lost one', () => {
    const there = holding([], [broken(first, ['SHA256SUMS', 'app.db.zst'])]);
    expect(decide(holding([made(first)]), there)).toEqual({ ...nothing, missing: [first] });
  });
});

describe('what is not copied', () => {
  test('a backup whose last verification failed is left out, and refused where it was named', () => {
    const source = holding([made(first, { good: false }), made(second)]);
    expect(decide(source, holding([]))).toEqual({ ...nothing, missing: [second], left: [first] });
    const named = new Set([`app/${first}`]);
    expect(decide(source, holding([]), { named })).toEqual({ ...nothing, refused: [`${first} REFUSED`] });
  });

  test('a broken backup is refused, unless the destination has it whole', () => {
    const source = holding([made(second)], [broken(first, ['manifest.json'])]);
    const refused = { ...nothing, missing: [second], refused: [`${first} DAMAGED`] };
    expect(decide(source, holding([]))).toEqual(refused);
    expect(decide(source, holding([made(first)]))).toEqual({ ...nothing, missing: [second] });
  });

  test('what a storage did not give is refused with its own failure', () => {
    const failure = new DbopsError('STORAGE_FAILED', 'no answer');
    const folder = broken(first, ['manifest.json'], failure);
    const refused = { ...nothing, refused: [`${first} STORAGE_FAILED`] };
    expect(decide(holding([], [folder]), holding([]))).toEqual(refused);
    expect(decide(holding([made(first)]), holding([], [folder]))).toEqual(refused);
  });

  test('the name of another backup at the destination is refused, and so is that of a damaged one', () => {
    const other = made(first, {}, { class: 'daily' });
    const refused = { ...nothing, refused: [`${first} REFUSED`] };
    expect(decide(holding([made(first)]), holding([other]))).toEqual(refused);
    expect(decide(holding([made(first)]), holding([], [broken(first, ['manifest.json'])]))).toEqual(refused);
  });

  test.each([
    ['manifest.json'],
    ['Manifest.JSON'],
    ['SHA256SUMS'],
    ['sha256sums'],
    ['pin.json'],
    ['verify.20261120T020000Z-4f7a2c1e.restore.ok.json'],
  ])('a manifest that calls a part %s is refused: it would be taken for something else', (name) => {
    const [part] = aManifest().parts;
    const parts = [{ ...part, name: parseObjectKey(name) }] as Manifest['parts'];
    const plan = decide(holding([made(first, {}, { parts })]), holding([]));
    expect(plan).toEqual({ ...nothing, refused: [`${first} DAMAGED`] });
  });

  test('a manifest that gives two parts one name is refused', () => {
    const { parts } = aManifest();
    const plan = decide(holding([made(first, {}, { parts: [...parts, ...parts] })]), holding([]));
    expect(plan).toEqual({ ...nothing, refused: [`${first} DAMAGED`] });
  });
});

describe("the destination's own retention", () => {
  const source = holding(ids.map((id) => made(id)));
  const policy = { classes: {}, last: 1 };

  test('what it would remove at once is left out, so that copy and prune do not undo each other for ever', () => {
    expect(decide(source, holding([]), { policy })).toEqual({ ...nothing, missing: [third], left: [first, second] });
  });

  test('what is there already counts', () => {
    const there = holding([made(third)]);
    const plan = decide(source, there, { policy });
    expect(plan).toEqual({ ...nothing, present: [third], left: [first, second] });
  });

  test('pinned ones are copied, and named ones', () => {
    const pinned = holding([made(first, { pinned: true }), made(second), made(third)]);
    expect(decide(pinned, holding([]), { policy }).missing).toEqual([first, third]);
    expect(decide(source, holding([]), { policy, named: new Set([`app/${first}`]) }).missing).toEqual([first]);
  });

  test('it leaves nothing out while a backup lies in the future: then ages mean nothing', () => {
    const plan = decide(source, holding([]), { policy, now: new Date('2026-11-19T00:00:00Z') });
    expect(plan.missing).toEqual([...ids]);
  });
});

describe('what is doubtful', () => {
  const failed = { at: new Date('2026-11-20T03:00:00Z'), level: 'restore', ok: false } as const;

  test('a copy of what failed at the source since, until it was verified at the destination', () => {
    const source = holding([made(first, { good: false, verifications: [failed] })]);
    expect(decide(source, holding([made(first)]))).toEqual({ ...nothing, present: [first], doubtful: [first] });
    const proven = { at: new Date('2026-11-20T04:00:00Z'), level: 'restore', ok: true } as const;
    const verified = (note: Backup['verifications'][number]): Catalog =>
      holding([made(first, { verifications: [note] })]);
    expect(decide(source, verified(proven)).doubtful).toEqual([]);
    expect(decide(source, verified({ ...proven, level: 'structure' })).doubtful).toEqual([first]);
    expect(decide(source, verified({ ...proven, at: new Date('2026-11-20T02:30:00Z') })).doubtful).toEqual([first]);
  });

  test('a copy that failed at the destination', () => {
    const there = holding([made(first, { good: false, verifications: [failed] })]);
    expect(decide(holding([made(first)]), there).doubtful).toEqual([first]);
  });
});
