import type { Codec, Codecs } from '../core/ports/codec.ts';
import { findTool } from '../platform/child.ts';
import { createGzip } from './gzip.ts';
import { createZstd } from './zstd.ts';

/** All codecs. `path` is the PATH on which native programs are looked for; without one the library does the work. */
export function createCodecs(path: string | undefined): Codecs {
  const zstd = (level: number): Codec => createZstd(level, findTool('zstd', path));
  const gzip = (level: number): Codec => createGzip(level, findTool('gzip', path));
  return {
    parse: (text) => {
      const [, name, level] = /^(zstd|gzip)(?::(\d{1,2}))?$/.exec(text) ?? [];
      if (name === 'zstd') return inRange(Number(level ?? 3), 19) ? zstd(Number(level ?? 3)) : undefined;
      if (name === 'gzip') return inRange(Number(level ?? 6), 9) ? gzip(Number(level ?? 6)) : undefined;
      return undefined;
    },
    byId: (id) => (id === 'zstd' ? zstd(3) : id === 'gzip' ? gzip(6) : undefined),
    recognise: (head) => {
      const magic = Buffer.from(head.subarray(0, 4)).toString('hex');
      if (magic === '28b52ffd') return zstd(3);
      return magic.startsWith('1f8b') ? gzip(6) : undefined;
    },
  };
}

function inRange(level: number, highest: number): boolean {
  return level >= 1 && level <= highest;
}
