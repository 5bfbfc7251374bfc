import type { Readable, Writable } from 'node:stream';
import type { CallOptions } from './storage.ts';

/**
 * Where bytes come from. A file lets a native program read it itself, and a program's output goes into another one by a
 * pipe of the operating system, both without a detour through JavaScript.
 */
export type ByteSource =
  | { readonly type: 'file'; readonly path: string; readonly bytes: number }
  | { readonly type: 'stream'; readonly stream: Readable }
  | { readonly type: 'program'; readonly program: OutputProgram };

/** A program that has not been started; one of the two is called, once. */
export interface OutputProgram {
  /** Starts it with its output read here. The stream fails when the program does, however well its bytes look. */
  read(): Readable;
  /** Starts it with its output going into another program's input. Rejects when the program fails. */
  pipeInto(input: Writable): Promise<void>;
}

/**
 * A reversible transformation of a byte stream into a standard format that common tools undo.
 *
 * The readers fail when their input, their program or the bytes fail. A codec is no checksum: `decode` may accept
 * damaged or truncated input (zstd does), so callers always compare length and digest of what comes out.
 */
export interface Codec {
  readonly id: string;
  /** Appended to a part's name: `.zst`. */
  readonly suffix: string;
  /** Recorded in the manifest beside the id. */
  readonly settings: Readonly<Record<string, string | number>>;
  /** The level that was asked for; undefined where the default was taken. */
  readonly askedLevel: number | undefined;
  /** False where a program does the work that may lose some of it unnoticed, as a wrapper script may. */
  isSure(): Promise<boolean>;
  /** The same codec with another level. */
  at(level: number): Codec;
  encode(source: ByteSource, options: CallOptions): Promise<Readable>;
  decode(source: Readable, options: CallOptions): Promise<Readable>;
  /**
   * Starts to look at encoded bytes on their way into a storage. Costs next to nothing, and finds the program that
   * ended well after half of its work.
   */
  watch(): CodecWatch;
}

export interface CodecWatch {
  update(chunk: Uint8Array): void;
  /**
   * Why the bytes seen so far cannot be the whole encoding of so many bytes, if their number is known; undefined when
   * nothing speaks against it.
   */
  problem(rawBytes: number | undefined): string | undefined;
}

/** Finds a codec for `zstd:3` or `gzip`, for an id in a manifest, or for the first bytes of a foreign file. */
export interface Codecs {
  parse(text: string): Codec | undefined;
  byId(id: string): Codec | undefined;
  recognise(head: Uint8Array): Codec | undefined;
}
