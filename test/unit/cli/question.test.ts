import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { askAt, askSecretAt } from '../../../src/cli/question.ts';

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

test('a secret is read and not shown, nor what was corrected while typing it', async () => {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { isTTY: true });
  const answer = askSecretAt('Passphrase: ', input, output);
  input.write('hunterr\u007f2\n');
  expect(await answer).toBe('hunter2');
  expect(String(output.read())).toBe('Passphrase: \n');
});

test('Ctrl-C stops the run while a secret is asked for', async () => {
  const input = new PassThrough();
  const answer = askSecretAt('Passphrase: ', input, new PassThrough());
  input.write('hun\u0003');
  await expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
