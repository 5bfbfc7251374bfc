import { describe, expect, test } from 'vitest';
import { BUFFER_BYTES, capacityOf, MOST_PARTS, planParts } from '../../../../src/storage/s3/part-plan.ts';

const MiB = 2 ** 20;
const GB = 1e9;
const expectations = [undefined, 0, 1, 50 * GB, 300 * GB, 500 * GB, 1_000 * GB, Number.MAX_SAFE_INTEGER];

describe.each(expectations)('where %s bytes are expected', (expected) => {
  const plan = planParts(expected);
  const sizes = Array.from({ length: MOST_PARTS }, (_, index) => plan.bytesOf(index + 1));

  test('no part is smaller than stores allow or larger than the buffers', () => {
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(5 * MiB);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(BUFFER_BYTES);
  });

  test('parts never get smaller', () => {
    expect(sizes.toSorted((a, b) => a - b)).toEqual(sizes);
  });
});

test('a terabyte fits where nothing is known', () => {
  expect(capacityOf(planParts(undefined))).toBeGreaterThan(1_000 * GB);
});

test.each([1 * GB, 50 * GB, 300 * GB, 430 * GB])(
  '%d bytes and a quarter more fit into parts of one size',
  (expected) => {
    const plan = planParts(expected);
    const even = plan.bytesOf(1);
    const parts = Math.ceil((expected * 1.25) / even);
    expect(parts).toBeLessThanOrEqual(MOST_PARTS);
    expect(plan.bytesOf(parts)).toBe(even);
  },
);

test('what is far larger than its estimate fits too', () => {
  expect(capacityOf(planParts(1 * GB))).toBeGreaterThan(500 * GB);
});
