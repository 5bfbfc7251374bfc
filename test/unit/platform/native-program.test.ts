import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isNativeProgram } from '../../../src/platform/native-program.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('the running Node is a native program', async () => {
  expect(await isNativeProgram(process.execPath)).toBe(true);
});

test.each([
  ['a script', '#!/bin/sh\nexec pg_dump "$@"\n'],
  ['an empty file', ''],
  ['three bytes of the right ones', '\u007fEL'],
])('%s is none', async (_, content) => {
  const file = join(await temporaryFolder(), 'program');
  await writeFile(file, content);
  expect(await isNativeProgram(file)).toBe(false);
});

test('a name without a file is none', async () => {
  expect(await isNativeProgram('pg_dump')).toBe(false);
});
