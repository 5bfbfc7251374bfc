/** Buffers that are used again and again, so that memory stays flat: nothing is left to the garbage collector. */
export interface BufferPool {
  /** Waits until so many bytes may be in use; one buffer may always be. */
  acquire(bytes: number): Promise<Buffer>;
  release(buffer: Buffer): void;
}

/** At most `most` buffers, and `limit` bytes, at a time. */
export function createBufferPool(limit: number, most: number): BufferPool {
  const free: Buffer[] = [];
  const waiting: (() => void)[] = [];
  let used = 0;
  let count = 0;
  const fits = (bytes: number): boolean => count === 0 || (count < most && used + bytes <= limit);
  return {
    acquire: async (bytes) => {
      while (!fits(bytes)) await new Promise<void>((resolve) => waiting.push(resolve));
      count += 1;
      used += bytes;
      const known = free.findIndex(({ length }) => length === bytes);
      if (known >= 0) return free.splice(known, 1)[0] ?? Buffer.allocUnsafeSlow(bytes);
      // Another size from now on: the old ones would count twice.
      free.length = 0;
      return Buffer.allocUnsafeSlow(bytes);
    },
    release: (buffer) => {
      count -= 1;
      used -= buffer.length;
      free.push(buffer);
      waiting.shift()?.();
    },
  };
}
