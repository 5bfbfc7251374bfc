import { fileURLToPath } from 'node:url';
import { execa } from 'execa';

export const binary = fileURLToPath(new URL('../../bin/dbops.js', import.meta.url));

/** Options of Node with which it says that it is an old one. */
export const pretendOldNode = [
  '--import',
  `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.1.0' } });`,
];

export interface RunResult {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** The document of `--json`. */
  readonly json: () => unknown;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs the built binary to its end in an environment as poor as cron's. */
export async function runDbops(args: readonly string[], { cwd, env = {}, input }: RunOptions): Promise<RunResult> {
  const result = await execa(process.execPath, [binary, ...args], {
    cwd,
    extendEnv: false,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: cwd, ...env },
    reject: false,
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  return {
    exitCode: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
    json: () => JSON.parse(result.stdout) as unknown,
  };
}
