import { Option, type Command } from 'commander';
import { tolerances } from '../../core/migrations/plan.ts';
import { addCommand, finishCommand, lockWaitOption, parseCount, parseMs, storagesOption } from '../command.ts';
import type { BaselineFlags, CreateFlags, StatusFlags, UpFlags } from '../migrate-request.ts';
import type { Runner } from '../runner.ts';

export function registerMigrate(program: Command, runner: Runner): void {
  const migrate = program
    .command('migrate')
    .description('Change the schema of a database by files of SQL, backed up first.');
  registerCreate(migrate, runner);
  registerStatus(migrate, runner);
  registerUp(migrate, runner);
  registerBaseline(migrate, runner);
}

function registerCreate(migrate: Command, runner: Runner): void {
  const create = addCommand(migrate, {
    usage: 'create <name>',
    summary: 'Make the files of a new migration, with the present time for its version.',
    examples: [['dbops migrate create add_users', 'and its rollback, in ./migrations']],
  });
  create
    .option('--folder <folder>', 'where the migrations are (default: migrations)')
    .option('--target <name>', 'the folder of this target of the configuration')
    .option('--no-rollback', 'one that nothing undoes');
  finishCommand(create).action((name: string, flags: CreateFlags) =>
    runner.run(create, async (session) => (await import('../actions/migrate-create.ts')).create(session, name, flags)),
  );
}

function registerStatus(migrate: Command, runner: Runner): void {
  const status = addCommand(migrate, {
    usage: 'status [target]',
    summary: 'Say which migrations are applied, pending, edited or missing. Writes nothing.',
    examples: [
      ['dbops migrate status app.db', 'all of them'],
      ['dbops migrate status app.db --check', 'for CI: exit 11 when one is pending'],
    ],
  });
  placeOptions(status).option('--check', 'exit 11 when a migration is pending');
  finishCommand(status).action((word: string | undefined, flags: StatusFlags) =>
    runner.run(status, async (session) => (await import('../actions/migrate-status.ts')).status(session, word, flags)),
  );
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
  finishCommand(up).action((word: string | undefined, flags: UpFlags) =>
    runner.run(up, async (session) => (await import('../actions/migrate-up.ts')).up(session, word, flags)),
  );
}

function registerBaseline(migrate: Command, runner: Runner): void {
  const baseline = addCommand(migrate, {
    usage: 'baseline [target]',
    summary: 'Record migrations as applied without running them, for a database that has them already.',
    examples: [['dbops migrate baseline app.db --to 0', 'none of them: the files start from what is there']],
  });
  lockWaitOption(placeOptions(baseline)).requiredOption('--to <version>', 'the last version that it has; 0 for none');
  finishCommand(baseline).action((word: string | undefined, flags: BaselineFlags) =>
    runner.run(baseline, async (session) =>
      (await import('../actions/migrate-baseline.ts')).baseline(session, word, flags),
    ),
  );
}

function placeOptions(command: Command): Command {
  return command
    .option('--folder <folder>', 'where the migrations are (default: config, ./migrations)')
    .option('--table <name>', 'the table of the ledger (default: config, schema_migrations)');
}

function changeOptions(command: Command): Command {
  return storagesOption(
    command.addOption(
      new Option('--backup <when>', 'back up first (default: config, auto)').choices(['auto', 'always', 'never']),
    ),
  )
    .option('--lock-wait <time>', 'how long to wait for another run of migrations (default: 60s)', parseMs)
    .option('--lock-timeout <time>', 'how long a statement may wait for a lock (default: 5s)', parseMs)
    .option('--lock-retries <n>', 'how often to try again a file that did not get its locks (default: 10)', parseCount);
}
