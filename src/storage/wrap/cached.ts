import { Readable } from 'node:stream';
import type { ObjectKey } from '../../core/ids.ts';
import type { ObjectInfo, Storage } from '../../core/ports/storage.ts';
import { unseal } from '../../core/sealed-json.ts';
import type { PrivateFolder } from '../../platform/private-folder.ts';
import { decodeEntry, encodeEntry } from './cache-entry.ts';

/** No larger object is kept: a catalogue is made of small ones. */
const limitBytes = 1 << 20;
const entryLimitBytes = limitBytes + 4_096;

/**
 * A storage whose objects are kept in a folder of this machine, so that a listing of thousands of backups that nothing
 * has changed asks for none of them again. Answers from there only where the caller has just listed that very
 * revision; a storage that gives no revisions is never answered for. The folder may be deleted at any time, and
 * whatever is wrong with it is as if it were empty.
 */
export function withCache(inner: Storage, folder: PrivateFolder): Storage {
  return {
    ...inner,
    put: async (key, body, options) => {
      await inner.put(key, body, options);
      forget(folder, key);
    },
    get: async (key, options) => {
      const { listed, signal } = options;
      if (listed?.revision === undefined || listed.key !== key || listed.bytes > limitBytes) {
        return inner.get(key, options);
      }
      const held = find(folder, key, listed.revision);
      if (held?.length !== listed.bytes) {
        return Readable.from(keeping(await inner.get(key, options), folder, listed), { objectMode: false });
      }
      signal.throwIfAborted();
      return Readable.from([held], { objectMode: false });
    },
    list: async function* list(prefix, options) {
      // Of a backup's folder alone it is not worth a look: `prune` lists thousands of them.
      const gone = new Set(prefix.includes('/') ? [] : keysBelow(folder, prefix));
      for await (const info of inner.list(prefix, options)) {
        gone.delete(info.key);
        yield info;
      }
      for (const key of gone) forget(folder, key);
    },
    remove: async (key, options) => {
      await inner.remove(key, options);
      forget(folder, key);
    },
  };
}

async function* keeping(source: Readable, folder: PrivateFolder, listed: ObjectInfo): AsyncGenerator<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= listed.bytes) chunks.push(chunk);
    yield chunk;
  }
  keep(folder, listed, Buffer.concat(chunks));
}

function keep(folder: PrivateFolder, { key, revision }: ObjectInfo, content: Buffer): void {
  const name = nameOf(key);
  // Bytes that came wrong must be asked for again the next time, not remembered.
  if (name === undefined || revision === undefined || !isSealed(content, key)) return;
  folder.write(name, encodeEntry({ key, revision, content }));
}

function isSealed(content: Buffer, key: string): boolean {
  try {
    unseal(content, key);
    return true;
  } catch {
    return false;
  }
}

function find(folder: PrivateFolder, key: ObjectKey, revision: string): Buffer | undefined {
  const name = nameOf(key);
  const entry = name === undefined ? undefined : folder.read(name, entryLimitBytes);
  return entry === undefined ? undefined : decodeEntry(entry, key, revision);
}

function forget(folder: PrivateFolder, key: string): void {
  const name = nameOf(key);
  if (name !== undefined) folder.remove(name);
}

/** One flat folder: no key has a `~`, and no file system a longer name. */
function nameOf(key: string): string | undefined {
  const name = key.replaceAll('/', '~');
  return name.length > 240 ? undefined : name;
}

function keysBelow(folder: PrivateFolder, prefix: string): string[] {
  const keys = folder.names().map((name) => name.replaceAll('~', '/'));
  return prefix === '' ? keys : keys.filter((key) => key.startsWith(`${prefix}/`));
}
