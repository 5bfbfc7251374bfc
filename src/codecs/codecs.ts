import { DbopsError } from '../core/errors.ts';
import type { Codec, Codecs } from '../core/ports/codec.ts';
import type { Keyring } from '../core/ports/keys.ts';
import { findTool } from '../platform/child.ts';
import { createAge } from './age/age.ts';
import { ARMOR_BEGIN, MAGIC } from './age/format.ts';
import { createGzip } from './gzip.ts';
import { createZstd } from './zstd.ts';

/**
 * All codecs. `path` is the PATH on which native programs are looked for; without one the library does the work.
 * `keyring` has the keys of what is encrypted.
 */
export function createCodecs(path: string | undefined, keyring: Keyring = noKeys): Codecs {
  const zstd = (level?: number): Codec => createZstd(level, findTool('zstd', path));
  const gzip = (level?: number): Codec => createGzip(level, findTool('gzip', path));
  const age = (): Codec => {
    const file = findTool('age', path);
    return createAge(keyring, file === undefined ? undefined : { file, path });
  };
  const byId: Readonly<Record<string, () => Codec>> = { zstd, gzip, age };
  return {
    parse: (text) => {
      const [, name, level] = /^(zstd|gzip)(?::(\d{1,2}))?$/.exec(text) ?? [];
      const asked = level === undefined ? undefined : Number(level);
      if (name === 'zstd') return inRange(asked, 19) ? zstd(asked) : undefined;
      if (name === 'gzip') return inRange(asked, 9) ? gzip(asked) : undefined;
      return undefined;
    },
    byId: (id) => (Object.hasOwn(byId, id) ? byId[id]?.() : undefined),
    recognise: (head) => {
      const text = Buffer.from(head.subarray(0, 64)).toString('latin1');
      if (text.startsWith(`${MAGIC}\n`) || text.startsWith(ARMOR_BEGIN)) return age();
      const magic = Buffer.from(head.subarray(0, 4)).toString('hex');
      if (magic === '28b52ffd') return zstd();
      return magic.startsWith('1f8b') ? gzip() : undefined;
    },
  };
}

const noKeys: Keyring = {
  encoding: () =>
    Promise.reject(
      new DbopsError('KEY_MISSING', 'no recipient was named', {
        hint: 'Name one with --recipient or encryption.recipients.',
      }),
    ),
  identities: () => Promise.resolve([]),
  passphrase: () => Promise.resolve(undefined),
  atHand: () => Promise.resolve(false),
};

function inRange(level: number | undefined, highest: number): boolean {
  return level === undefined || (level >= 1 && level <= highest);
}
