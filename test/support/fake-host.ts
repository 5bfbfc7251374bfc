import type { Host } from '../../src/cli/host.ts';
import { createProgram, runCommandLine } from '../../src/cli/program.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface FakeRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host that keeps what is written. */
function createFakeHost(
  argv: readonly string[],
  cwd: string,
): {
  readonly host: Host;
  readonly stdout: string[];
  readonly stderr: string[];
} {
  const [stdout, stderr]: [string[], string[]] = [[], []];
  const output = (lines: string[]): Host['stdout'] => ({
    write: (text) => void lines.push(text),
    failure: () => Promise.resolve(undefined),
    terminal: false,
    columns: 80,
  });
  const host: Host = {
    argv,
    env: {},
    cwd,
    hostname: 'test',
    temporaryFolder: '/tmp',
    stdout: output(stdout),
    stderr: output(stderr),
    interactive: false,
    ask: () => Promise.reject(new Error('nobody is there')),
    askSecret: () => Promise.reject(new Error('nobody is there')),
    onSignal: () => () => undefined,
    exitNow: () => undefined,
    elapsedMs: () => 0,
  };
  return { host, stdout, stderr };
}

/** Runs a command line up to the point where it would need adapters. */
export async function runWithoutWorld(...argv: readonly string[]): Promise<FakeRun> {
  const { host, stdout, stderr } = createFakeHost(argv, await temporaryFolder());
  const loadWorld = (): Promise<never> => Promise.reject(new Error('no world here'));
  const exitCode = await runCommandLine(host, { version: '1.2.3', loadWorld });
  return { exitCode, stdout: stdout.join(''), stderr: stderr.join('') };
}

/** The commands and options of dbops, which nobody runs. */
export function programForLooking(): ReturnType<typeof createProgram> {
  const never = (): Promise<never> => Promise.reject(new Error('not meant to run'));
  return createProgram(createFakeHost([], '/nowhere').host, { version: '1.2.3', run: never, print: never });
}
