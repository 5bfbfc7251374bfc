import { Option, type Command } from 'commander';
import { tolerances } from '../../core/migrations/plan.ts';
import type { Verb } from '../actions/migrate-run.ts';
import { addCommand, finishCommand, parseCount } from '../command.ts';
import { changeOptions, placeOptions } from '../migrate-options.ts';
import type { RunFlags } from '../migrate-request.ts';
import type { Runner } from '../runner.ts';

/** Those that run scripts. */
export function registerRuns(migrate: Command, runner: Runner): void {
  registerUp(migrate, runner);
  registerRollback(migrate, runner);
  registerRedo(migrate, runner);
  registerReset(migrate, runner);
}

function registerUp(migrate: Command, runner: Runner): void {
  const up = addCommand(migrate, {
    usage: 'up [target]',
    summary: 'Back up, then apply what is pending, each file in a transaction of its own.',
    examples: [
      ['dbops migrate up app.db', 'all that is pending'],
      ['dbops migrate up "$DATABASE_URL" --dry-run', 'show the plan and its SQL'],
      ['dbops migrate up app.db --steps 1 --backup never', 'one, on a machine of a developer'],
    ],
  });
  changeOptions(placeOptions(up))
    .option('--to <version>', 'the last version to apply')
    .option('--steps <n>', 'how many to apply', parseCount)
    .addOption(new Option('--allow <what...>', 'do not stop for these').choices(tolerances))
    .option('--create', 'begin with an empty SQLite file where there is none')
    .option('--dry-run', 'show what would be run');
  finishCommand(up).action(running(up, 'up', runner));
}

function registerRollback(migrate: Command, runner: Runner): void {
  const rollback = addCommand(migrate, {
    usage: 'rollback [target]',
    summary: 'Back up, then undo what was applied last, by the rollback that was recorded with it.',
    examples: [
      ['dbops migrate rollback app.db', 'the last one'],
      ['dbops migrate rollback app.db --steps 2 --dry-run', 'show the SQL for the last two'],
    ],
  });
  changeOptions(placeOptions(rollback))
    .option('--to <version>', 'undo what was applied after this one')
    .option('--steps <n>', 'how many to undo (default: 1)', parseCount)
    .option('--dry-run', 'show what would be run');
  finishCommand(rollback).action(running(rollback, 'rollback', runner));
}

function registerRedo(migrate: Command, runner: Runner): void {
  const redo = addCommand(migrate, {
    usage: 'redo [target]',
    summary: 'Back up, undo what was applied last, and apply it again from its file.',
    examples: [['dbops migrate redo app.db', 'the last one']],
  });
  changeOptions(placeOptions(redo))
    .option('--steps <n>', 'how many (default: 1)', parseCount)
    .option('--dry-run', 'show what would be run');
  finishCommand(redo).action(running(redo, 'redo', runner));
}

function registerReset(migrate: Command, runner: Runner): void {
  const reset = addCommand(migrate, {
    usage: 'reset [target]',
    summary: 'Back up, then undo all migrations, the last one first. What they made is lost, with its rows.',
    examples: [['dbops migrate reset app.db --yes', 'on a machine of a developer']],
  });
  changeOptions(placeOptions(reset))
    .option('--yes-replace <name>', 'the name of the target: a protected one needs it')
    .option('--dry-run', 'show what would be run');
  finishCommand(reset).action(running(reset, 'reset', runner));
}

function running(command: Command, verb: Verb, runner: Runner) {
  return (word: string | undefined, flags: RunFlags): Promise<void> =>
    runner.run(command, async (session) => (await import('../actions/migrate-run.ts')).run(session, verb, word, flags));
}
