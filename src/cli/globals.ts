import { Option, type Command } from 'commander';
import { logLevels, type LogLevel } from '../core/levels.ts';

export interface GlobalFlags {
  readonly config?: string;
  readonly json?: true;
  readonly quiet?: true;
  readonly logLevel?: LogLevel;
  readonly logFile?: string;
  readonly color: boolean;
  readonly yes?: true;
}

/** Adds what every command takes, so that it may stand where people write it: after the command. */
export function addGlobals(command: Command): Command {
  return command
    .optionsGroup('Global options:')
    .option('--config <file>', 'configuration to use (default: dbops.yaml here or in a folder above)')
    .option('--json', 'print one JSON document on stdout')
    .option('-q, --quiet', 'say nothing but results, warnings and errors')
    .addOption(new Option('--log-level <level>', 'write a log of at least this level to stderr').choices(logLevels))
    .option('--log-file <file>', 'append the log (JSON lines) to this file instead')
    .option('--no-color', 'no colours on a terminal (also: NO_COLOR=1)')
    .option('-y, --yes', 'answer yes to questions')
    .helpOption('-h, --help', 'show this help');
}
