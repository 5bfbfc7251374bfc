import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Process ids of the direct children, without those that only wait to be collected. */
export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,ppid=,stat=,comm=']);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, state = '', name]) => parent === String(pid) && !state.startsWith('Z') && name !== 'ps')
    .map(([child]) => Number(child));
}
