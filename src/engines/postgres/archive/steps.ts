/** What stands next in a stream: so many bytes of no interest, then at least one that decides what follows. */
export interface Step {
  readonly skip: number;
  readonly wanted: number;
  /** True where the stream may end. */
  readonly boundary: boolean;
  /** Gives the step after this one, or what is wrong. `end` counts the stream's bytes up to and with these. */
  readonly read: (bytes: Buffer, end: number) => Step | string;
}

export interface StepFollower {
  update(chunk: Uint8Array): void;
  /** Why the stream cannot end here. */
  problem(): string | undefined;
}

const longest = 16;

/** Follows a stream of lengths and contents; copies the few bytes that are wanted, and nothing of what is skipped. */
export function followSteps(first: Step, start: number): StepFollower {
  const held = Buffer.alloc(longest);
  let heldBytes = 0;
  let skipped = 0;
  let position = start;
  let step: Step | string = first;
  return {
    update: (chunk) => {
      for (let at = 0; at < chunk.length && typeof step !== 'string';) {
        const skip = Math.min(step.skip - skipped, chunk.length - at);
        const take = Math.min(step.wanted - heldBytes, chunk.length - at - skip);
        if (take > 0) held.set(chunk.subarray(at + skip, at + skip + take), heldBytes);
        skipped += skip;
        heldBytes += take;
        at += skip + take;
        position += skip + take;
        if (heldBytes < step.wanted) continue;
        [skipped, heldBytes] = [0, 0];
        step = step.read(held, position);
      }
    },
    problem: () => {
      if (typeof step === 'string') return step;
      return step.boundary && skipped + heldBytes === 0 ? undefined : 'it breaks off in the middle of its data';
    },
  };
}
