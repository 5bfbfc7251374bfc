import { readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DbopsError } from '../core/errors.ts';

const quitWithinMs = 10_000;
const killWithinMs = 10_000;
const lookEveryMs = 20;

/**
 * Ends the processes of a program that work in a folder or below it: the working directory proves whose they are, as a
 * number in a file does not. They get SIGQUIT first, then SIGKILL, and are gone when this resolves. Sees what the user
 * may see, on systems with /proc; elsewhere it does nothing.
 * @throws DbopsError TOOL_FAILED when one cannot be ended
 */
export async function endProcessesIn(folder: string, program: string): Promise<void> {
  const place = await realpath(folder).catch(() => folder);
  for (const [signal, withinMs] of [['SIGQUIT', quitWithinMs] as const, ['SIGKILL', killWithinMs] as const]) {
    const pids = await processesIn(place, program);
    for (const pid of pids) send(pid, signal);
    if (pids.length === 0 || (await areGone(place, program, withinMs))) return;
  }
  const left = await processesIn(place, program);
  if (left.length === 0) return;
  throw new DbopsError('TOOL_FAILED', `process ${left.join(', ')} (${program}) cannot be ended`, {
    hint: `It works in ${folder}. End it, then remove that folder.`,
  });
}

async function areGone(place: string, program: string, withinMs: number): Promise<boolean> {
  for (let waited = 0; waited < withinMs; waited += lookEveryMs) {
    if ((await processesIn(place, program)).length === 0) return true;
    await delay(lookEveryMs);
  }
  return false;
}

async function processesIn(place: string, program: string): Promise<number[]> {
  const names = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    names.map(async (pid) => {
      // Ended meanwhile, or somebody else's.
      const cwd = (await readlink(`/proc/${pid}/cwd`).catch(() => '')).replace(/ \(deleted\)$/, '');
      if (cwd !== place && !cwd.startsWith(`${place}/`)) return [];
      const [command = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
      // A server calls its processes `postgres: writer`.
      return basename(command) === program || command.startsWith(`${program}: `) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Ended meanwhile.
  }
}
