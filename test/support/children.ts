import { readFileSync } from 'node:fs';
import { expect, vi } from 'vitest';

/** Numbers of the processes that this one has started and that have not ended. */
function childrenOf(pid: number = process.pid): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map(Number);
}

/** Resolves when no child of this process is left. */
export async function childrenGone(): Promise<void> {
  await vi.waitFor(() => expect(childrenOf()).toEqual([]), { timeout: 10_000, interval: 10 });
}

/** Resolves when no process has this number. */
export async function processGone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 10_000, interval: 10 });
}
