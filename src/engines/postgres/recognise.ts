import { recognisesScript } from './script/recognise.ts';

/** Formats of a dump, told by how they begin. */
export type DumpKind = 'archive' | 'tar' | 'script';

/** What a file is that begins like this; at least its first 512 bytes, or all of it. */
export function kindOf(head: Uint8Array): DumpKind | undefined {
  const text = Buffer.from(head.subarray(0, 512)).toString('latin1');
  if (text.startsWith('PGDMP')) return 'archive';
  if (text.startsWith('toc.dat\0') && text.slice(257, 262) === 'ustar') return 'tar';
  return recognisesScript(head) ? 'script' : undefined;
}

export function recognisesDump(head: Uint8Array): boolean {
  return kindOf(head) !== undefined;
}
