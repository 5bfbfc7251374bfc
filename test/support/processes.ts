import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Processes that were started in a folder or below it, in words: what a killed run leaves running. */
export function processesIn(folder: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const cwd = readlinkSync(`/proc/${pid}/cwd`);
        if (cwd !== folder && !cwd.startsWith(`${folder}/`)) return [];
        return [`${pid} ${readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()}`];
      } catch {
        // Ended meanwhile.
        return [];
      }
    });
}

/**
 * Resolves once no process that was started in the folder is left.
 * @throws when some are after `withinMs`.
 */
export async function untilQuiet(folder: string, withinMs = 5_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (let left = processesIn(folder); left.length > 0; left = processesIn(folder)) {
    if (Date.now() > deadline) throw new Error(`still running: ${left.join('; ')}`);
    await delay(20);
  }
}
