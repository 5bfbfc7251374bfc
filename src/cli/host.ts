import { hostname, tmpdir } from 'node:os';
import type { Environment } from '../config/interpolate.ts';
import { DbopsError, messageOf } from '../core/errors.ts';
import { outputOf, type Output } from './output.ts';

/** The process as the command line sees it: the only door to `process`, so that tests can make another. */
export interface Host {
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly cwd: string;
  readonly hostname: string;
  readonly temporaryFolder: string;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Whether somebody is there to answer a question. */
  readonly interactive: boolean;
  ask(question: string): Promise<string>;
  /** The same without showing what is typed. */
  askSecret(question: string): Promise<string>;
  /** Calls back on SIGINT, SIGTERM and SIGHUP; the returned function stops that. */
  onSignal(listener: (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => void): () => void;
  /** Ends the process at once: the answer to a second signal. */
  exitNow(code: number): void;
  /** Counts up from anywhere, whatever is done to the clock. */
  elapsedMs(): number;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

export function createProcessHost(): Host {
  return {
    argv: process.argv.slice(2),
    env: process.env,
    get cwd() {
      return workingFolder();
    },
    hostname: hostname(),
    temporaryFolder: tmpdir(),
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    get interactive() {
      return process.stdin.isTTY && process.stderr.isTTY;
    },
    ask: async (question) => {
      const { askAt } = await import('./question.ts');
      return askAt(question, process.stdin, process.stderr);
    },
    askSecret: async (question) => {
      const { askSecretAt } = await import('./question.ts');
      return askSecretAt(question, process.stdin, process.stderr);
    },
    onSignal: (listener) => {
      for (const signal of signals) process.on(signal, listener as NodeJS.SignalsListener);
      return () => signals.forEach((signal) => process.off(signal, listener as NodeJS.SignalsListener));
    },
    exitNow: (code) => process.exit(code),
    elapsedMs: () => performance.now(),
  };
}

function workingFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new DbopsError('USAGE', `the working directory cannot be used: ${messageOf(error)}`, {
      hint: 'It was removed, or may not be entered. Change to a folder that exists: cd /',
      cause: error,
    });
  }
}
