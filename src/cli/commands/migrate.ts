import type { Command } from 'commander';
import { addCommand, finishCommand, lockWaitOption } from '../command.ts';
import { placeOptions } from '../migrate-options.ts';
import type { BaselineFlags, CreateFlags, MigrateFlags, RepairFlags, StatusFlags } from '../migrate-request.ts';
import type { Runner } from '../runner.ts';
import { registerRuns } from './migrate-runs.ts';

export function registerMigrate(program: Command, runner: Runner): void {
  const migrate = program
    .command('migrate')
    .description('Change the schema of a database by files of SQL, backed up first.');
  registerCreate(migrate, runner);
  registerStatus(migrate, runner);
  registerRuns(migrate, runner);
  registerValidate(migrate, runner);
  registerBaseline(migrate, runner);
  registerRepair(migrate, runner);
  registerHealth(migrate, runner);
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

function registerValidate(migrate: Command, runner: Runner): void {
  const validate = addCommand(migrate, {
    usage: 'validate [target]',
    summary: 'Look at the files alone, without the database: names, pairs, directives, SQL that cannot be run safely.',
    examples: [['dbops migrate validate app.db', 'before they are merged']],
  });
  placeOptions(validate);
  finishCommand(validate).action((word: string | undefined, flags: MigrateFlags) =>
    runner.run(validate, async (session) =>
      (await import('../actions/migrate-validate.ts')).validate(session, word, flags),
    ),
  );
}

function registerBaseline(migrate: Command, runner: Runner): void {
  const baseline = addCommand(migrate, {
    usage: 'baseline [target]',
    summary: 'Record migrations as applied without running them, for a database that has them already.',
    examples: [['dbops migrate baseline app.db --to 0', 'none of them: the files start from what is there']],
  });
  lockWaitOption(placeOptions(baseline)).option('--to <version>', 'the last version that it has; 0 for none');
  finishCommand(baseline).action((word: string | undefined, flags: BaselineFlags) =>
    runner.run(baseline, async (session) =>
      (await import('../actions/migrate-baseline.ts')).baseline(session, word, flags),
    ),
  );
}

function registerRepair(migrate: Command, runner: Runner): void {
  const repair = addCommand(migrate, {
    usage: 'repair [target]',
    summary: 'Tell the ledger what is true of one migration, with the reason. Runs nothing.',
    examples: [
      ['dbops migrate repair app.db --accept 20260101000001 --reason "a comment in a string"', 'an edited file'],
      ['dbops migrate repair app.db --forget 20260101000001 --reason "undone by hand"', 'one that is not there'],
    ],
  });
  lockWaitOption(placeOptions(repair))
    .option('--accept <version>', 'the file as it is now is what was applied')
    .option('--applied <version>', 'it is in the database, all of it')
    .option('--forget <version>', 'it is not in the database, or not any more')
    .option('--reason <text>', 'why; it is kept in the ledger');
  finishCommand(repair).action((word: string | undefined, flags: RepairFlags) =>
    runner.run(repair, async (session) => (await import('../actions/migrate-repair.ts')).repair(session, word, flags)),
  );
}

function registerHealth(migrate: Command, runner: Runner): void {
  const health = addCommand(migrate, {
    usage: 'health [target]',
    summary:
      'Look for what looks done and is not, and for changes of the schema that no migration made. Writes nothing.',
    examples: [['dbops migrate health app.db', 'exit 11 when something is found']],
  });
  placeOptions(health);
  finishCommand(health).action((word: string | undefined, flags: MigrateFlags) =>
    runner.run(health, async (session) => (await import('../actions/migrate-health.ts')).health(session, word, flags)),
  );
}
