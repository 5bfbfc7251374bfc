import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { Codec } from '../core/ports/codec.ts';
import { filterThrough } from '../platform/child.ts';
import { throughLibrary } from './library.ts';

/**
 * Zstandard (RFC 8878), as one frame with its content checksum. The program uses all cores; the library of Node uses
 * one, because its worker mode fails on real sizes.
 */
export function createZstd(level: number, program: string | undefined): Codec {
  return {
    id: 'zstd',
    suffix: '.zst',
    settings: { level },
    encode: async (source, { signal }) => {
      if (program === undefined)
        return throughLibrary(source, createZstdCompress({ params: parameters(level) }), signal);
      return filterThrough(program, ['-q', `-${level}`, '-T0', '-c'], source, signal);
    },
    decode: async (stream, { signal }) => {
      const source = { type: 'stream', stream } as const;
      if (program === undefined) return throughLibrary(source, createZstdDecompress(), signal);
      return filterThrough(program, ['-q', '-d', '-c'], source, signal);
    },
  };
}

function parameters(level: number): Record<number, number> {
  return { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
}
