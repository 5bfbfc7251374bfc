import { constants, createZstdCompress, createZstdDecompress, type ZstdOptions } from 'node:zlib';
import type { ByteSource, Codec } from '../core/ports/codec.ts';
import { filterThrough } from '../platform/child.ts';
import { isNativeProgram } from '../platform/native-program.ts';
import { throughLibrary } from './library.ts';
import { watchZstd } from './zstd-frame.ts';

/**
 * Zstandard (RFC 8878), as one frame with its content checksum. The program uses all cores; the library of Node uses
 * one, because its worker mode fails on real sizes.
 */
export function createZstd(askedLevel: number | undefined, program: string | undefined): Codec {
  const level = askedLevel ?? 3;
  return {
    id: 'zstd',
    suffix: '.zst',
    settings: { level },
    askedLevel,
    isSure: async () => program === undefined || isNativeProgram(program),
    at: (other) => createZstd(other, program),
    encode: async (source, { signal }) => {
      if (program === undefined) return throughLibrary(source, createZstdCompress(optionsFor(source, level)), signal);
      return filterThrough(program, ['-q', `-${level}`, '-T0', '-c'], source, signal);
    },
    decode: async (stream, { signal }) => {
      const source = { type: 'stream', stream } as const;
      if (program === undefined) return throughLibrary(source, createZstdDecompress(), signal);
      return filterThrough(program, ['-q', '-d', '-c'], source, signal);
    },
    watch: watchZstd,
  };
}

// With its size known, the content's length stands in the frame, as the program writes it for a file.
function optionsFor(source: ByteSource, level: number): ZstdOptions {
  const params = { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 };
  return source.type === 'file' ? { params, pledgedSrcSize: source.bytes } : { params };
}
