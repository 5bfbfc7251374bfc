import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { createBucket } from '../support/s3/bucket.ts';

const uploader = fileURLToPath(new URL('../support/s3/upload-generated.js', import.meta.url));
const MB = 1e6;
// With the switch of the long tests, what the budget speaks of: 10 GB.
const bytes = process.env['DBOPS_SOAK'] === undefined ? 300 * MB : 10_000 * MB;

const expectations: readonly (readonly [what: string, expected: readonly string[]])[] = [
  ['of unknown length', []],
  // Parts of 50 MB, two buffers at a time.
  ['of which 200 GB were expected', [String(200_000 * MB)]],
  // The largest parts there are.
  ['of which a terabyte was expected', [String(1_000_000 * MB)]],
];

test.each(expectations)('a stream %s takes less than 300 MB of memory, there and back', async (_, expected) => {
  const { name, access } = await createBucket();
  const { stdout } = await execa(process.execPath, [
    uploader,
    name,
    JSON.stringify(access),
    String(bytes),
    ...expected,
  ]);
  expect(Number(stdout)).toBeGreaterThan(50 * MB);
  expect(Number(stdout)).toBeLessThan(300 * MB);
});
