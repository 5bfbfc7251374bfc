import { Command } from 'commander';
import { DbopsError, exitCodeOf, messageOf } from '../core/errors.ts';
import { plain, plainLines } from '../report/format.ts';
import { createPaint, wantsColours } from '../report/paint.ts';
import { createRedactor, type Redactor } from '../report/redact.ts';
import { registerCommands } from './commands/register.ts';
import { describeFailure, errorDocument, unwrapUsage } from './failure.ts';
import { addGlobals, type GlobalFlags } from './globals.ts';
import type { Host } from './host.ts';
import type { Runner } from './runner.ts';
import type { CommandResult } from './session.ts';
import { listenForStop } from './stopping.ts';
import type { World } from './world.ts';

export interface Program {
  readonly version: string;
  readonly loadWorld: () => Promise<World>;
}

/** Runs one command line to its end. Resolves with the exit status; never throws, never ends the process. */
export async function runCommandLine(host: Host, program: Program): Promise<number> {
  const redactor = createRedactor();
  const exitCode = await runCommand(host, program, redactor);
  // The work is done by now: a result that nobody can read is a failure, but none of the work's.
  const unwritten = await host.stdout.failure();
  if (unwritten === undefined) return exitCode;
  const lost = resultLost(unwritten);
  host.stderr.write(redactor.redact(describeFailure(lost, createPaint(false))));
  return exitCode === 0 ? exitCodeOf(lost) : exitCode;
}

function resultLost(cause: Error): DbopsError {
  return new DbopsError('STORAGE_FAILED', `the result cannot be written to stdout: ${messageOf(cause)}`, {
    hint: 'What the command did is done. Look at it with `dbops list`, and send stdout where there is room.',
    cause,
  });
}

async function runCommand(host: Host, { version, loadWorld }: Program, redactor: Redactor): Promise<number> {
  using stopping = listenForStop(host);
  const { signal } = stopping;
  let exitCode = 0;
  const runner: Runner = {
    version,
    run: async (command, work) => {
      const flags = command.optsWithGlobals<GlobalFlags>();
      const { openSession } = await import('./session.ts');
      const world = await loadWorld();
      using session = openSession({ host, flags, world, signal, redactor });
      exitCode = present(await work(session), flags, host, redactor);
    },
    print: async (command, work) => {
      exitCode = present(await work(host, loadWorld), command.optsWithGlobals<GlobalFlags>(), host, redactor);
    },
  };
  try {
    await createProgram(host, runner).parseAsync(host.argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    return fail(signal.aborted ? signal.reason : error, host, redactor);
  }
}

export function createProgram(host: Host, runner: Runner): Command {
  const program = new Command('dbops')
    .description('Backs up, proves, restores and prunes databases. A green exit means: complete, durable, readable.')
    .version(runner.version, '-V, --version', 'show the version')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      outputError: () => undefined,
      getOutHelpWidth: () => (host.stdout.terminal ? host.stdout.columns : 100),
    })
    .showHelpAfterError(false);
  addGlobals(program);
  registerCommands(program, runner);
  return program;
}

function present(
  { document, text, exactLines = [], exitCode, failure }: CommandResult,
  flags: GlobalFlags,
  host: Host,
  redactor: Redactor,
): number {
  if (flags.json === true) host.stdout.write(`${redactor.redactJson(document, 2)}\n`);
  else if (text !== '') host.stdout.write(redactor.redact(`${plainLines(text)}\n`));
  if (flags.json !== true) for (const line of exactLines) host.stdout.write(`${plain(line)}\n`);
  if (failure !== undefined) host.stderr.write(redactor.redact(`error: ${plainLines(failure)}\n`));
  return exitCode ?? 0;
}

function fail(error: unknown, host: Host, redactor: Redactor): number {
  const failure = unwrapUsage(error);
  if (failure === undefined) return 0;
  const exitCode = exitCodeOf(failure);
  const colours = wantsColours(host.stderr.terminal, host.env['NO_COLOR'], !host.argv.includes('--no-color'));
  host.stderr.write(redactor.redact(describeFailure(failure, createPaint(colours))));
  if (host.argv.includes('--json')) {
    const document = { ok: false, exitCode, error: errorDocument(failure) };
    host.stdout.write(`${redactor.redactJson(document, 2)}\n`);
  }
  return exitCode;
}
