import { readInteger } from './cursor.ts';
import type { Layout } from './header.ts';
import { followSteps, type Step, type StepFollower } from './steps.ts';

/** `at` is where the block begins, in bytes from the start of the archive. */
export interface Block {
  readonly type: 'data' | 'blobs';
  readonly dumpId: number;
  readonly at: number;
}

const types: Readonly<Record<number, Block['type']>> = { 1: 'data', 3: 'blobs' };

/**
 * Steps over the data blocks of a custom archive by their lengths. A block is a type byte and a dump id; then chunks of
 * a length and so many bytes, ended by the length 0; or, of large objects, such a sequence after the id of each, ended
 * by the id 0. Every archive version from 1.12 to 1.16 has them so.
 * @param onBlock gives what is wrong with a block being there.
 */
export function followBlocks(
  { intBytes }: Layout,
  start: number,
  onBlock: (block: Block) => string | undefined,
): StepFollower {
  const wanted = 1 + intBytes;
  const boundary = false;
  const nextBlock: Step = { skip: 0, wanted: 1, boundary: true, read: (bytes, end) => readType(bytes, end) };
  const nextBlob: Step = {
    skip: 0,
    wanted,
    boundary,
    read: (bytes) => (readInteger(bytes, intBytes) === 0 ? nextBlock : chunk(0, nextBlob)),
  };
  const readType = (bytes: Buffer, end: number): Step | string => {
    const type = types[bytes.readUInt8(0)];
    if (type === undefined) return `what stands at byte ${end - 1} is no data block`;
    return { skip: 0, wanted, boundary, read: (id) => readBlock(id, type, end - 1) };
  };
  const readBlock = (id: Buffer, type: Block['type'], at: number): Step | string => {
    const wrong = onBlock({ type, dumpId: readInteger(id, intBytes), at });
    return wrong ?? (type === 'data' ? chunk(0, nextBlock) : nextBlob);
  };
  const chunk = (skip: number, after: Step): Step => ({
    skip,
    wanted,
    boundary,
    read: (bytes, end) => {
      const length = readInteger(bytes, intBytes);
      if (length < 0) return `the chunk at byte ${end - wanted} has an impossible length`;
      return length === 0 ? after : chunk(length, after);
    },
  });
  return followSteps(nextBlock, start);
}
