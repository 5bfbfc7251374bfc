import { expect, test } from 'vitest';
import { collect } from '../../../src/streams/collect.ts';
import { bodyOf, failingBody } from '../../support/bodies.ts';

test('a small object is read whole, up to its very limit', async () => {
  expect((await collect(bodyOf('ab', 'cd'), 4, 'x')).toString()).toBe('abcd');
  expect((await collect(bodyOf(), 0, 'x')).length).toBe(0);
});

test('D3: one byte more is DAMAGED, and the rest is not read', async () => {
  const source = bodyOf('ab', 'cde', 'never read');
  await expect(collect(source, 4, 'x.json')).rejects.toMatchObject({
    code: 'DAMAGED',
    message: 'x.json is larger than 4 bytes',
  });
  expect(source.destroyed).toBe(true);
});

test('a failure on the way is a failure', async () => {
  await expect(collect(failingBody(new Error('source broke'), 'ab'), 100, 'x')).rejects.toThrow('source broke');
});
