const MiB = 2 ** 20;

/** All that a store takes for one object (documented limit of S3 and its kin). */
export const MOST_PARTS = 10_000;
/** Buffers of one upload together: what keeps the memory of a run flat. */
export const BUFFER_BYTES = 104 * MiB;

export const SMALLEST_PART = 8 * MiB;
const largestPart = BUFFER_BYTES;
// Of an object whose size nobody knows, and of one that outgrows its estimate.
const evenPartsUnknown = 500;
const evenPartsExpected = 5_000;
const slack = 1.25;

/** How an upload is cut. */
export interface PartPlan {
  /** Size of the part of that number, counted from 1. */
  bytesOf(number: number): number;
}

/**
 * Parts of one size for what is expected and a quarter more, because some stores (R2) take parts of one size only; after
 * that, or after 4 GB where nothing is known, parts of 104 MiB. So 1 TB fits where nothing or the truth is known, and half
 * of it whatever was expected; a run with buffers of `BUFFER_BYTES` stays below 300 MB.
 */
export function planParts(expectedBytes: number | undefined): PartPlan {
  const evenParts = expectedBytes === undefined ? evenPartsUnknown : evenPartsExpected;
  const wanted = Math.ceil(((expectedBytes ?? 0) * slack) / evenParts / MiB) * MiB;
  const even = Math.min(largestPart, Math.max(SMALLEST_PART, wanted));
  return { bytesOf: (number) => (number <= evenParts ? even : largestPart) };
}

/** The most bytes that an upload cut like this can hold. */
export function capacityOf(plan: PartPlan): number {
  let bytes = 0;
  for (let number = 1; number <= MOST_PARTS; number++) bytes += plan.bytesOf(number);
  return bytes;
}
