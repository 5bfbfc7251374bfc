import { describe, expect, test } from 'vitest';
import type { Backup } from '../../../src/core/catalog.ts';
import { parseTargetName } from '../../../src/core/ids.ts';
import { byTime, filterBackups, selectBackup, type Selector } from '../../../src/core/selector.ts';
import { aBackup, backupId } from '../../support/manifests.ts';

const target = parseTargetName;
const one = aBackup({
  id: backupId('20261101T000000Z-aaaa0001'),
  finishedAt: '2026-11-01T00:00:05.000Z',
  tags: { env: 'prod' },
});
const two = aBackup({
  id: backupId('20261102T000000Z-aaaa0002'),
  finishedAt: '2026-11-02T00:00:05.000Z',
  tags: { env: 'test' },
});
// Made by a machine whose clock was wrong when it named the backup.
const liar = aBackup({ id: backupId('20200101T000000Z-aaaa0003'), finishedAt: '2026-11-03T00:00:05.000Z' });
const app = [two, liar, one];
const other = aBackup({
  id: backupId('20261110T000000Z-bbbb0001'),
  target: target('other'),
  finishedAt: '2026-11-10T00:00:05.000Z',
});

const pick = (backups: readonly Backup[], selector: Partial<Selector>): string =>
  selectBackup(backups, { name: 'latest', ...selector }).manifest.id;

describe('one backup is meant', () => {
  test('R7: `latest` is the one recorded last, whatever the names say', () => {
    expect(pick(app, {})).toBe(liar.manifest.id);
  });

  test('an id, or the beginning of one that no other has', () => {
    expect(pick(app, { name: two.manifest.id })).toBe(two.manifest.id);
    expect(pick(app, { name: '20261102' })).toBe(two.manifest.id);
  });

  test('--at means the newest at or before that moment', () => {
    expect(pick(app, { at: new Date('2026-11-02T00:00:05.000Z') })).toBe(two.manifest.id);
    expect(pick(app, { at: new Date('2026-11-02T00:00:04.999Z') })).toBe(one.manifest.id);
  });

  test('--tag and --target narrow it', () => {
    expect(pick(app, { tags: { env: 'prod' } })).toBe(one.manifest.id);
    expect(pick([...app, other], { target: 'app' })).toBe(liar.manifest.id);
  });
});

describe('it is not clear which one is meant', () => {
  test('`latest` of two targets', () => {
    expect(() => pick([...app, other], {})).toThrow(
      expect.objectContaining({
        code: 'USAGE',
        message: 'latest fits backups of app, other',
        hint: 'Add --target <name>.',
      }),
    );
  });

  test('the beginning of several ids', () => {
    expect(() => pick(app, { name: '202611' })).toThrow(
      expect.objectContaining({ code: 'USAGE', message: '202611 is the beginning of 2 backups' }),
    );
  });

  test('an empty word is no beginning', () => {
    expect(() => pick(app, { name: '' })).toThrow('no backup matches an empty word');
    expect(() => pick([one], { name: '' })).toThrow(expect.objectContaining({ code: 'NOTHING_MATCHES' }));
  });
});

describe('nothing is meant', () => {
  test.each<[string, Partial<Selector>]>([
    ['an id that is not there', { name: '2025' }],
    ['a time before all', { at: new Date('2026-01-01T00:00:00Z') }],
    ['a tag of another value', { tags: { env: 'none' } }],
    ['a tag that every object has', { tags: { constructor: 'x' } }],
    ['two tags of which one fits', { tags: { env: 'prod', region: 'x' } }],
    ['another target', { target: 'none' }],
  ])('%s', (_, selector) => {
    expect(() => pick(app, selector)).toThrow(expect.objectContaining({ code: 'NOTHING_MATCHES' }));
  });

  test('the message repeats what was asked', () => {
    const selector = { name: '2025', target: 'app', at: new Date(0), tags: { env: 'x' } };
    expect(() => selectBackup(app, selector)).toThrow(
      'no backup matches 2025 --target app --at 1970-01-01T00:00:00.000Z --tag env=x',
    );
  });

  test('the hint for an empty storage is another one', () => {
    expect(() => pick([], {})).toThrow(expect.objectContaining({ hint: expect.stringContaining('no backup') }));
  });
});

test('filtering gives all that fit', () => {
  expect(filterBackups(app, { name: '202611' })).toEqual([two, one]);
});

test('backups of one moment have one order, whatever the order they come in', () => {
  const twins = ['20261101T000000Z-00000002', '20261101T000000Z-00000001'].map((id) => aBackup({ id: backupId(id) }));
  expect(twins.toSorted(byTime)).toEqual(twins.toReversed().toSorted(byTime));
});
