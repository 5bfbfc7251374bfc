import { readFileSync } from 'node:fs';
import { createProcessHost } from './cli/host.ts';
import { runCommandLine } from './cli/program.ts';

/**
 * Runs the command line of this process; the exit status is set, and the process ends when all is written. The
 * adapters are loaded by the commands that need them: help and version answer at once.
 */
export async function main(): Promise<void> {
  const loadWorld = async () => (await import('./world.ts')).createWorld(version);
  const version = readVersion();
  process.exitCode = await runCommandLine(createProcessHost(), { version, loadWorld });
}

function readVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return String((JSON.parse(text) as { version: unknown }).version);
}
