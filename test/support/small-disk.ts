import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface SmallDisk {
  readonly path: string;
  makeReadOnly(): void;
}

/** A file system of its own of so many kilobytes, in memory, gone when the test has finished. Needs root. */
export function mountSmallDisk(parent: string, name: string, kilobytes: number): SmallDisk {
  const path = join(parent, name);
  mkdirSync(path);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k,mode=0700`, 'tmpfs', path]);
  onTestFinished(() => void execFileSync('umount', [path]));
  return { path, makeReadOnly: () => void execFileSync('mount', ['-o', 'remount,ro', path]) };
}
