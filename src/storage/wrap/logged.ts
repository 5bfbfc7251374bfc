import type { Storage } from '../../core/ports/storage.ts';

/** Receives one line a storage call, for the debug log. */
export type LogCall = (call: { readonly storage: string; readonly call: string; readonly key: string }) => void;

/** A storage that says every call before it makes it. */
export function withLog(inner: Storage, log: LogCall): Storage {
  const say = (call: string, key: string): void => log({ storage: inner.label, call, key });
  return {
    ...inner,
    put: (key, body, options) => {
      say('put', key);
      return inner.put(key, body, options);
    },
    get: (key, options) => {
      say('get', key);
      return inner.get(key, options);
    },
    list: (prefix, options) => {
      say('list', prefix);
      return inner.list(prefix, options);
    },
    remove: (key, options) => {
      say('remove', key);
      return inner.remove(key, options);
    },
  };
}
