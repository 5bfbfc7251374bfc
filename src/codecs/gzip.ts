import { createGunzip, createGzip as createCompress } from 'node:zlib';
import type { Codec } from '../core/ports/codec.ts';
import { filterThrough } from '../platform/child.ts';
import { isNativeProgram } from '../platform/native-program.ts';
import { watchGzip } from './gzip-trailer.ts';
import { throughLibrary } from './library.ts';

/** Gzip (RFC 1952), without a name or time in its header, so that equal input gives equal bytes. */
export function createGzip(askedLevel: number | undefined, program: string | undefined): Codec {
  const level = askedLevel ?? 6;
  return {
    id: 'gzip',
    suffix: '.gz',
    settings: { level },
    askedLevel,
    isSure: async () => program === undefined || isNativeProgram(program),
    at: (other) => createGzip(other, program),
    encode: async (source, { signal }) => {
      if (program === undefined) return throughLibrary(source, createCompress({ level }), signal);
      return filterThrough(program, ['-q', '-n', `-${level}`, '-c'], source, signal);
    },
    decode: async (stream, { signal }) => {
      const source = { type: 'stream', stream } as const;
      if (program === undefined) return throughLibrary(source, createGunzip(), signal);
      return filterThrough(program, ['-q', '-d', '-c'], source, signal);
    },
    watch: watchGzip,
  };
}
