import { expect, test } from 'vitest';
import { readSections } from '../../../../src/core/migrations/sections.ts';

test('both directions keep the lines that they have in the file', () => {
  expect(readSections('-- about\n-- migrate:up\nA;\n\n-- migrate:down\nB;\n')).toEqual({
    up: '\n\nA;\n',
    down: '\n\n\n\n\nB;\n',
  });
});

test('a file without a mark is none of these, and one without the second has no way back', () => {
  expect(readSections('SELECT 1; -- migrate:up\n')).toBeUndefined();
  expect(readSections('-- migrate:up\nA;')).toEqual({ up: '\nA;', down: undefined });
});

test('an option that is not known stays there to be refused', () => {
  expect(readSections('-- migrate:up transaction:false\r\nA;')?.up).toBe('-- dbops: no-transaction\nA;');
  expect(readSections('-- migrate:up transaction=false\nA;')?.up).toBe('-- dbops: transaction=false\nA;');
  expect(readSections('--migrate:up transaction:true\nA;')?.up).toBe('\nA;');
});
