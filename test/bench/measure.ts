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
  /** Processor time of the processes that are Node, and of all; that of the last moments of each is missed. */
  readonly ownCpuSeconds: number;
  readonly allCpuSeconds: number;
}

export interface Watched {
  readonly cwd: string;
  readonly path: string;
  /** Another process that works for the line, watched with all below it. */
  readonly also?: number;
}

const sampleEveryMs = 50;

/** Runs a shell line to its end, and watches it and everything it starts. */
export async function measure(line: string, { cwd, path, also }: Watched): Promise<Measured> {
  const started = performance.now();
  const child = spawn('bash', ['-c', `set -e -o pipefail; ${line}`], {
    cwd,
    env: { PATH: path, HOME: cwd },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  let [largestBytes, allBytes] = [0, 0];
  const cpu = watchCpu();
  const timer = setInterval(() => {
    const pids = processesBelow(child.pid ?? 0);
    cpu.look(also === undefined ? pids : [...pids, ...processesBelow(also)]);
    const held = pids.map((pid) => read(`/proc/${pid}/smaps_rollup`));
    largestBytes = Math.max(largestBytes, ...held.map((rollup) => bytesOf(rollup, 'Rss')));
    allBytes = Math.max(
      allBytes,
      held.reduce((sum, rollup) => sum + bytesOf(rollup, 'Pss'), 0),
    );
  }, sampleEveryMs);
  const code = await new Promise((resolve, reject) => child.once('exit', resolve).once('error', reject));
  clearInterval(timer);
  if (code !== 0) throw new Error(`${line} ended with ${String(code)}`);
  return { seconds: (performance.now() - started) / 1000, largestBytes, allBytes, ...cpu.sum() };
}

// The kernel counts in hundredths of a second, on every machine that matters.
const ticksPerSecond = 100;

/** Remembers the last that was seen of each process, and what it had used before it was watched. */
function watchCpu(): { look(pids: readonly number[]): void; sum(): Pick<Measured, 'ownCpuSeconds' | 'allCpuSeconds'> } {
  const used = new Map<number, { readonly own: boolean; readonly before: number; readonly now: number }>();
  let first = true;
  return {
    look: (pids) => {
      for (const pid of pids) {
        const stat = read(`/proc/${pid}/stat`);
        const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const now = Number(fields[11] ?? 0) + Number(fields[12] ?? 0);
        const known = used.get(pid);
        // A shell becomes Node by `exec`.
        const own = known?.own === true || /\((node|MainThread)/.test(stat);
        if (stat !== '') used.set(pid, { own, before: known?.before ?? (first ? now : 0), now });
      }
      first = false;
    },
    sum: () => {
      const seconds = [...used.values()].map(({ own, before, now }) => ({
        own,
        seconds: (now - before) / ticksPerSecond,
      }));
      const total = (of: readonly { seconds: number }[]): number => of.reduce((sum, each) => sum + each.seconds, 0);
      return { ownCpuSeconds: total(seconds.filter(({ own }) => own)), allCpuSeconds: total(seconds) };
    },
  };
}

/** Runs several lines in turn, so that what else the machine does meets all of them; the medians of `rounds` runs. */
export async function alternate<K extends string>(
  lines: Readonly<Record<K, string>>,
  rounds: number,
  place: Watched,
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
    ownCpuSeconds: middle(({ ownCpuSeconds }) => ownCpuSeconds),
    allCpuSeconds: middle(({ allCpuSeconds }) => allCpuSeconds),
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
