import { addAbortSignal, Readable } from 'node:stream';
import { DbopsError, messageOf } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/ids.ts';
import type { ObjectInfo, Storage } from '../../core/ports/storage.ts';
import { systemClock } from '../../platform/clock.ts';

/** A storage that lives as long as the process: for tests and for embedding. */
export function createMemoryStorage(): Storage {
  const objects = new Map<ObjectKey, { readonly body: Buffer; readonly modifiedAt: Date }>();
  const infoOf = (key: ObjectKey): ObjectInfo | undefined => {
    const object = objects.get(key);
    return object && { key, bytes: object.body.length, modifiedAt: object.modifiedAt };
  };
  return {
    label: 'memory',
    traits: { scratchParent: undefined },
    put: async (key, body, { signal, ifAbsent = false }) => {
      const bytes = await readWhole(key, body, signal);
      if (ifAbsent && objects.has(key)) throw new DbopsError('OBJECT_EXISTS', `${key} exists already`);
      objects.set(key, { body: bytes, modifiedAt: systemClock.now() });
    },
    get: async (key, { signal }) => {
      signal.throwIfAborted();
      const object = objects.get(key);
      if (object === undefined) throw new DbopsError('OBJECT_MISSING', `${key} is missing`);
      return Readable.from([object.body], { objectMode: false });
    },
    stat: async (key) => infoOf(key),
    async *list(prefix, { signal }) {
      for (const key of [...objects.keys()].toSorted()) {
        signal.throwIfAborted();
        const info = infoOf(key);
        if (info !== undefined && (prefix === '' || key.startsWith(`${prefix}/`))) yield info;
      }
    },
    remove: async (key, { signal }) => {
      signal.throwIfAborted();
      objects.delete(key);
    },
    async *unfinished() {},
    remarks: async () => [],
    freeBytes: async () => undefined,
    pointLatest: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function readWhole(key: ObjectKey, body: Readable, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    addAbortSignal(signal, body);
    for await (const chunk of body as AsyncIterable<Buffer>) chunks.push(Buffer.from(chunk));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof DbopsError) throw error;
    throw new DbopsError('STORAGE_FAILED', `cannot write ${key}: ${messageOf(error)}`, { cause: error });
  }
  signal.throwIfAborted();
  return Buffer.concat(chunks);
}
