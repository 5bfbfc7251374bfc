import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { isByteRate, parseByteRate } from '../core/byte-rate.ts';
import { isDuration, parseDuration } from '../core/duration.ts';
import { addGlobals } from './globals.ts';

export interface CommandText {
  /** `backup [target...]` */
  readonly usage: string;
  readonly summary: string;
  /** Each is a whole command line that works, and what it is for. */
  readonly examples: readonly (readonly [line: string, purpose: string])[];
}

/** Makes a command with examples below its help. Made by `command`, not `addCommand`, which would not inherit. */
export function addCommand(parent: Command, { usage, summary, examples }: CommandText): Command {
  const width = Math.max(...examples.map(([line]) => line.length));
  const lines = examples.map(([line, purpose]) => `  ${line.padEnd(width)}  # ${purpose}`);
  return parent
    .command(usage)
    .description(summary)
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

/** Adds the options of every command last, so that its own come first in the help. */
export function finishCommand(command: Command): Command {
  return addGlobals(command);
}

function storageOption(command: Command): Command {
  return command.option(
    '--storage <name|folder|url>',
    'where the backups are (default: config, BACKUP_DIR, ./backups)',
  );
}

/** Where several storages may be meant at once. */
export function storagesOption(command: Command): Command {
  return command.option(
    '--storage <name|folder|url>',
    'where the backups are, again for each place (default: config, BACKUP_DIR and S3_BUCKET, ./backups)',
    (word: string, before: readonly string[] | undefined) => [...(before ?? []), word],
  );
}

/** The words by which every command finds backups. */
export function selectorOptions(command: Command): Command {
  return storageOption(command)
    .option('--target <name>', 'only backups of this target')
    .option(
      '--at <time>',
      'the newest made at or before this time (ISO 8601; without a zone: UTC; a day: its end)',
      parseTime,
    )
    .option('--tag <name=value...>', 'only backups with this tag');
}

export function lockWaitOption(command: Command): Command {
  return command.option('--lock-wait <time>', 'how long to wait for another run on the target (default: 0s)', parseMs);
}

export function parseMs(text: string): number {
  if (isDuration(text)) return parseDuration(text);
  throw new InvalidArgumentError('Write a whole number and a unit, such as 30s or 10m.');
}

/** Bytes a second. */
export function parseRate(text: string): number {
  if (isByteRate(text)) return parseByteRate(text);
  throw new InvalidArgumentError('Write bytes a second, at least 1kB: 500kB, 10MB or 1MiB.');
}

export function parseCount(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Write a whole number from 1 on.');
}

// A time without a zone is UTC, as all recorded times are; a day alone means all of it, as people say it; a leap second
// counts as the second before it.
function parseTime(text: string): Date {
  const iso = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/;
  const whole = text.length === 10 ? `${text}T23:59:59.999` : text;
  const full = whole.replace(' ', 'T').replace(/(T\d\d:\d\d):60/, '$1:59');
  const zoned = /(Z|[+-]\d\d:?\d\d)$/.test(full.slice(10)) ? full : `${full}Z`;
  const time = new Date(zoned);
  if (iso.test(text) && !Number.isNaN(time.getTime()) && isDay(text.slice(0, 10))) return time;
  throw new InvalidArgumentError('Write a time such as 2026-11-20T02:00 or 2026-11-20T02:00:00+01:00.');
}

// `Date` takes the 30th of February for the 2nd of March.
function isDay(text: string): boolean {
  return new Date(text).toISOString().startsWith(text);
}
