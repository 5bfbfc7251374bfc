import { createHash } from 'node:crypto';
import type { ObjectInfo, Storage } from '../../src/core/ports/storage.ts';
import { bytesOf } from './bodies.ts';

export interface CountingStorage {
  readonly storage: Storage;
  /** Calls since the last time this was asked, as `get app/…`; a put has no others. */
  readonly calls: () => string[];
}

/** A storage that gives revisions, as object stores do, and counts what it is asked for. */
export function withRevisions(inner: Storage): CountingStorage {
  let calls: string[] = [];
  const revisions = new Map<string, string>();
  const revised = (info: ObjectInfo): ObjectInfo => {
    const revision = revisions.get(info.key);
    return revision === undefined ? info : { ...info, revision };
  };
  const storage: Storage = {
    ...inner,
    put: async (key, body, options) => {
      calls.push(`put ${key}`);
      await inner.put(key, body, options);
      const bytes = await bytesOf(await inner.get(key, options));
      revisions.set(key, createHash('md5').update(bytes).digest('hex'));
    },
    get: (key, options) => {
      calls.push(`get ${key}`);
      return inner.get(key, options);
    },
    stat: async (key, options) => {
      calls.push(`stat ${key}`);
      const info = await inner.stat(key, options);
      return info === undefined ? undefined : revised(info);
    },
    list: async function* list(prefix, options) {
      calls.push(`list ${prefix}`);
      for await (const info of inner.list(prefix, options)) yield revised(info);
    },
    remove: (key, options) => {
      calls.push(`remove ${key}`);
      return inner.remove(key, options);
    },
  };
  return {
    storage,
    calls: () => {
      const seen = calls;
      calls = [];
      return seen;
    },
  };
}
