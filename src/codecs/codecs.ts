import type { Codec, Codecs } from '../core/ports/codec.ts';
import { findTool } from '../platform/child.ts';
import { createGzip } from './gzip.ts';
import { createZstd } from './zstd.ts';

/** All codecs. `path` is the PATH on which native programs are looked for; without one the library does the work. */
export function createCodecs(path: string | undefined): Codecs {
  const zstd = (level?: number): Codec => createZstd(level, findTool('zstd', path));
  const gzip = (level?: number): Codec => createGzip(level, findTool('gzip', path));
  return {
    parse: (text) => {
      const [, name, level] = /^(zstd|gzip)(?::(\d{1,2}))?$/.exec(text) ?? [];
      const asked = level === undefined ? undefined : Number(level);
      if (name === 'zstd') return inRange(asked, 19) ? zstd(asked) : undefined;
      if (name === 'gzip') return inRange(asked, 9) ? gzip(asked) : undefined;
      return undefined;
    },
    byId: (id) => (id === 'zstd' ? zstd() : id === 'gzip' ? gzip() : undefined),
    recognise: (head) => {
      const magic = Buffer.from(head.subarray(0, 4)).toString('hex');
      if (magic === '28b52ffd') return zstd();
      return magic.startsWith('1f8b') ? gzip() : undefined;
    },
  };
}

function inRange(level: number | undefined, highest: number): boolean {
  return level === undefined || (level >= 1 && level <= highest);
}
