import { Readable } from 'node:stream';
import { DbopsError } from '../../src/core/errors.ts';
import type { ObjectInfo, Storage } from '../../src/core/ports/storage.ts';

/** What happens at one counted call of a storage. */
export interface FaultPoint {
  readonly nth: number;
  /** `after`: the call has had its effect, and the caller does not learn it (a read breaks off at its end). */
  readonly when: 'before' | 'after';
  readonly strike: (call: string) => void;
  /** Every later call is struck too. */
  readonly lasting?: boolean;
}

export interface FaultyStorage {
  readonly storage: Storage;
  /** The call that was struck first, as `put app/…`, or undefined when the run made fewer calls. */
  readonly struck: () => string | undefined;
}

/** Counts put, get, stat, list, remove and pointLatest, and strikes at the nth. */
export function withFault(inner: Storage, { nth, when, strike, lasting = false }: FaultPoint): FaultyStorage {
  let calls = 0;
  let first: string | undefined;
  /** Gives the blow that this call has to take, if any. */
  const next = (call: string): (() => void) | undefined => {
    calls += 1;
    if (calls !== nth && !(lasting && calls > nth)) return undefined;
    first ??= call;
    return () => strike(call);
  };
  const around = async <T>(call: string, act: () => Promise<T>): Promise<T> => {
    const blow = next(call);
    if (when === 'before') blow?.();
    const result = await act();
    if (when === 'after') blow?.();
    return result;
  };
  const storage: Storage = {
    ...inner,
    put: (key, body, options) =>
      around(`put ${key}`, () => inner.put(key, body, options)).catch((error: unknown) => {
        body.destroy();
        throw error;
      }),
    get: async (key, options) => {
      const blow = next(`get ${key}`);
      if (when === 'before') blow?.();
      const stream = await inner.get(key, options);
      return blow === undefined ? stream : Readable.from(breakingOff(stream, blow), { objectMode: false });
    },
    stat: (key, options) => around(`stat ${key}`, () => inner.stat(key, options)),
    list: (prefix, options) => listing(inner.list(prefix, options), next(`list ${prefix}`), when),
    remove: (key, options) => around(`remove ${key}`, () => inner.remove(key, options)),
    pointLatest: (folder, name, options) =>
      around(`pointLatest ${folder}`, () => inner.pointLatest(folder, name, options)),
  };
  return { storage, struck: () => first };
}

/** The failure that storages report when the disk, the network or the far side gives up. */
export function failCall(call: string): never {
  throw new DbopsError('STORAGE_FAILED', `injected failure of ${call}`);
}

async function* breakingOff(source: Readable, blow: () => void): AsyncGenerator<Buffer> {
  yield* source as AsyncIterable<Buffer>;
  blow();
}

async function* listing(
  source: AsyncIterable<ObjectInfo>,
  blow: (() => void) | undefined,
  when: 'before' | 'after',
): AsyncGenerator<ObjectInfo> {
  if (when === 'before') blow?.();
  yield* source;
  if (when === 'after') blow?.();
}
