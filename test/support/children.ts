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

let remembered: readonly number[] = [];

/** Those that are there now stay: `childrenGone` does not wait for them. */
export function rememberChildren(): void {
  remembered = childrenOf();
}

/** Resolves when no child of this process is left that was not remembered. */
export async function childrenGone(): Promise<void> {
  const fresh = (): number[] => childrenOf().filter((pid) => !remembered.includes(pid));
  await vi.waitFor(() => expect(fresh()).toEqual([]), { timeout: 10_000, interval: 10 });
}

/** Resolves when no process has this number. */
export async function processGone(pid: number): Promise<void> {
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow('ESRCH'), { timeout: 10_000, interval: 10 });
}
