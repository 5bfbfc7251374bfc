import type { MemberWatch } from './members.ts';
import { followSteps, type Step } from './steps.ts';

/**
 * Follows LZ4 frames by their block sizes, without decoding them: Node has no LZ4. Source of the format: LZ4 Frame
 * Format Description 1.6.
 */
export function watchLz4(): MemberWatch {
  return followSteps(frame(false), 0);
}

/** Not even of nothing is the encoding empty. */
function frame(boundary: boolean): Step {
  return {
    skip: 0,
    wanted: 5,
    boundary,
    read: (bytes) => (bytes.readUInt32LE(0) === 0x184d_2204 ? header(bytes.readUInt8(4)) : 'it is no LZ4 frame'),
  };
}

/** The largest block; then, if the flags say so, the content's size and a dictionary's id; then a checksum. */
function header(flags: number): Step {
  const wanted = 2 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4);
  return { skip: 0, wanted, boundary: false, read: () => block(0, flags) };
}

function block(skip: number, flags: number): Step {
  return { skip, wanted: 4, boundary: false, read: (bytes) => readBlock(bytes.readUInt32LE(0), flags) };
}

function readBlock(size: number, flags: number): Step {
  // The highest bit marks a block that would not shrink.
  if (size !== 0) return block((size & 0x7fff_ffff) + ((flags & 0x10) === 0 ? 0 : 4), flags);
  if ((flags & 0x04) === 0) return frame(true);
  return { skip: 0, wanted: 4, boundary: false, read: () => frame(true) };
}
