import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export interface Measured {
  readonly seconds: number;
  /**
   * Most memory held at once, in bytes: by the largest process with all it has mapped, and by all together, where a page
   * that several share counts once.
   */
  readonly largestBytes: number;
  readonly allBytes: number;
}

const sampleEveryMs = 50;

/** Runs a shell line to its end, and watches it and everything it starts. */
export async function measure(line: string, { cwd, path }: { cwd: string; path: string }): Promise<Measured> {
  const started = performance.now();
  const child = spawn('bash', ['-c', `set -e -o pipefail; ${line}`], {
    cwd,
    env: { PATH: path, HOME: cwd },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let [largestBytes, allBytes] = [0, 0];
  const timer = setInterval(() => {
    const held = processesBelow(child.pid ?? 0).map((pid) => read(`/proc/${pid}/smaps_rollup`));
    largestBytes = Math.max(largestBytes, ...held.map((rollup) => bytesOf(rollup, 'Rss')));
    allBytes = Math.max(
      allBytes,
      held.reduce((sum, rollup) => sum + bytesOf(rollup, 'Pss'), 0),
    );
  }, sampleEveryMs);
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${line} ended with ${String(code)}`);
  return { seconds: (performance.now() - started) / 1000, largestBytes, allBytes };
}

/** Runs several lines in turn, so that what else the machine does meets all of them; the medians of `rounds` runs. */
export async function alternate<K extends string>(
  lines: Readonly<Record<K, string>>,
  rounds: number,
  place: { cwd: string; path: string },
): Promise<Record<K, Measured>> {
  const names = Object.keys(lines) as K[];
  const runs = new Map<K, Measured[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) runs.get(name)?.push(await measure(lines[name], place));
  }
  return Object.fromEntries(names.map((name) => [name, medianOf(runs.get(name) ?? [])])) as Record<K, Measured>;
}

function medianOf(runs: readonly Measured[]): Measured {
  const middle = (of: (run: Measured) => number): number =>
    runs.map(of).toSorted((a, b) => a - b)[Math.trunc(runs.length / 2)] ?? Number.NaN;
  return {
    seconds: middle(({ seconds }) => seconds),
    largestBytes: middle(({ largestBytes }) => largestBytes),
    allBytes: middle(({ allBytes }) => allBytes),
  };
}

/** A process and all its descendants. */
function processesBelow(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = read(`/proc/${name}/stat`);
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (pid: number): boolean => pid === root || (pid > 1 && isBelow(parents.get(pid) ?? 0));
  return [...parents.keys()].filter(isBelow);
}

function bytesOf(rollup: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
}

// A process may end between the listing and the look.
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
