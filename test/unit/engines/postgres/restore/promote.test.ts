import { expect, test } from 'vitest';
import { keptName } from '../../../../../src/engines/postgres/restore/promote.ts';

test('the old database keeps its name, with when it was replaced behind it', () => {
  expect(keptName('shop', '20261120T020000Z')).toBe('shop_pre_restore_20261120t020000z');
});
