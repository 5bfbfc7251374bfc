import { expect, test } from 'vitest';
import { canReadPasswords, globalsArguments } from '../../../../../src/engines/postgres/globals/globals-arguments.ts';

test('hashes of passwords are left out unless they are asked for', () => {
  expect(globalsArguments({ passwords: false })).toContain('--no-role-passwords');
  expect(globalsArguments({ passwords: true })).not.toContain('--no-role-passwords');
});

test('an answer other than yes is no', async () => {
  expect(await canReadPasswords(() => Promise.resolve([{ readable: 't' }]))).toBe(true);
  expect(await canReadPasswords(() => Promise.resolve([{ readable: 'f' }]))).toBe(false);
  expect(await canReadPasswords(() => Promise.resolve([]))).toBe(false);
});
