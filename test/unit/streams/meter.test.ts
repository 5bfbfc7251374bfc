import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createMeter, measureFile, measureStream } from '../../../src/streams/meter.ts';
import { bodyOf, bytesOf, failingBody, noise } from '../../support/bodies.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const { signal } = new AbortController();

test.each([0, 1, 65_536, 3_000_001])('%d bytes go through unchanged, counted and digested', async (length) => {
  const bytes = noise(length);
  const totals: number[] = [];
  const meter = createMeter((total) => totals.push(total));
  const out = await bytesOf(bodyOf(bytes.subarray(0, length / 3), bytes.subarray(length / 3)).pipe(meter.stream));
  expect(out.equals(bytes)).toBe(true);
  expect(meter.measure()).toEqual({ bytes: length, sha256: sha256(bytes) });
  expect(totals.at(-1) ?? 0).toBe(length);
  expect(totals).toEqual(totals.toSorted((a, b) => a - b));
});

test('before its end a meter knows nothing, and says so', async () => {
  const meter = createMeter();
  expect(() => meter.measure()).toThrow('measured before its end');
  meter.stream.write(Buffer.from('x'));
  expect(() => meter.measure()).toThrow('measured before its end');
});

test.each([0, 1, 1 << 20, (1 << 20) + 1, 3_000_001])(
  'a stream and a file of %d bytes measure the same',
  async (length) => {
    const bytes = noise(length, 7);
    const path = join(await temporaryFolder(), 'file');
    await writeFile(path, bytes);
    const expected = { bytes: length, sha256: sha256(bytes) };
    expect(await measureStream(bodyOf(bytes))).toEqual(expected);
    expect(await measureFile(path, signal)).toEqual(expected);
  },
);

test('a stream that fails is not measured', async () => {
  await expect(measureStream(failingBody(new Error('source broke'), 'abc'))).rejects.toThrow('source broke');
});

test('measuring a file ends with an abort, and fails for one that is not there', async () => {
  const path = join(await temporaryFolder(), 'file');
  await expect(measureFile(path, signal)).rejects.toMatchObject({ code: 'ENOENT' });
  await writeFile(path, 'x');
  const reason = new Error('stopped by hand');
  await expect(measureFile(path, AbortSignal.abort(reason))).rejects.toBe(reason);
});
