import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { askAt } from '../../../src/cli/question.ts';

/** What is typed at a terminal in answer to a question. */
function typed(keys: string): Promise<string> {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY: true });
  const answer = askAt('Replace it? ', input, output);
  input.write(keys);
  return answer;
}

test('a line is the answer', async () => {
  expect(await typed('yes\n')).toBe('yes');
});

test('Ctrl-D is an empty answer, as is a line without letters', async () => {
  expect(await typed('\u0004')).toBe('');
  expect(await typed('\n')).toBe('');
});

test('Ctrl-C stops the run', async () => {
  await expect(typed('\u0003')).rejects.toMatchObject({ code: 'INTERRUPTED' });
  await expect(typed('ye\u0003')).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
