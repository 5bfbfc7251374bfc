/** Whole numbers from 0 to 2^32 - 1, the same ones for the same seed (xorshift of Marsaglia, 32 bits). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
