import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { openPrivateFolder } from '../../src/platform/private-folder.ts';
import { decodeEntry } from '../../src/storage/wrap/cache-entry.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const program = fileURLToPath(new URL('../support/fill-cache.ts', import.meta.url));

test('readers beside two writing processes find one whole entry or the other', async () => {
  const path = join(await temporaryFolder(), 'dbops/cache');
  const writers = [0, 1].map(() => spawn(process.execPath, [program, path, '400'], { stdio: 'ignore' }));
  const ended = Promise.all(writers.map((writer) => once(writer, 'exit')));
  const seen = { even: 0, odd: 0, none: 0 };
  while (writers.some(({ exitCode }) => exitCode === null)) {
    const entry = openPrivateFolder(path).read('entry', 1 << 20);
    const revision = entry === undefined ? 'none' : entry.includes('"even"') ? 'even' : 'odd';
    if (entry !== undefined) {
      expect(decodeEntry(entry, 'entry', revision)?.equals(Buffer.alloc(50_000, revision))).toBe(true);
    }
    seen[revision] += 1;
    await new Promise(setImmediate);
  }
  expect(await ended).toEqual([
    [0, null],
    [0, null],
  ]);
  expect(
    [seen.even, seen.odd].every((count) => count > 0),
    JSON.stringify(seen),
  ).toBe(true);
  expect(readdirSync(path)).toEqual(['entry']);
});
