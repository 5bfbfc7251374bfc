import { open } from 'node:fs/promises';

// ELF; Mach-O of 64 bits in both byte orders, and for several processors.
const magics = new Set(['7f454c46', 'cffaedfe', 'feedfacf', 'cafebabe']);

/**
 * Whether a file is a program of the machine itself. A script in its place, such as a wrapper that runs the program in a
 * container, may lose the end of what it writes and still end well.
 */
export async function isNativeProgram(path: string): Promise<boolean> {
  try {
    await using file = await open(path, 'r');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return bytesRead === 4 && magics.has(buffer.toString('hex'));
  } catch {
    // Not to be read, or found by a name alone: nothing is known of it.
    return false;
  }
}
