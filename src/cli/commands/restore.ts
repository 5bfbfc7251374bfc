import type { Command } from 'commander';
import type { RestoreFlags } from '../actions/restore.ts';
import { addCommand, finishCommand, parseCount, selectorOptions } from '../command.ts';
import { identityOption } from '../keys.ts';
import type { Runner } from '../runner.ts';

export function registerRestore(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'restore [backup]',
    summary: 'Restore a backup (default: latest), or a file made by something else. The old database is kept.',
    examples: [
      ['dbops restore --into copy.db', 'the latest backup, beside the original'],
      ['dbops restore --into app.db --yes', 'in place: proven first, then swapped; the old file is kept'],
      [
        'dbops restore --into "$DATABASE_URL" --owner --acl --yes',
        'PostgreSQL: proven beside, then swapped in by name',
      ],
      ['dbops restore --table users --into app.db --overwrite', 'one table, into the running database'],
      ['dbops restore --table users --as-sql users.sql', 'one table as SQL to review'],
    ],
  });
  selectorOptions(command)
    .option(
      '--into <target|path|url>',
      'where to (default: the target it came from, of the configuration or environment)',
    )
    .option('--create', 'refuse where the database exists, whatever else was said')
    .option('--replace', 'replace the database that exists; it is kept under another name')
    .option('--drop-old', 'remove the database that was replaced, once the new one is in place')
    .option('--table <name...>', 'only these tables, with their indexes and triggers')
    .option('--as-sql <file>', 'write the tables as SQL instead')
    .option('--overwrite', 'replace tables that exist (what is replaced is kept)')
    .option('--allow-open', 'replace the database although another process uses it')
    .option('--yes-replace <name>', 'the name of the target to replace: a protected one, or not the one backed up')
    .option('--no-checks', 'skip the configured checks, as when one is newer than the backup')
    .option('--dry-run', 'say what would be done')
    .optionsGroup('PostgreSQL:')
    .option('--owner', 'restore who owns what; the roles have to exist')
    .option('--acl', 'restore who may do what; the roles have to exist')
    .option('--globals', 'first the roles and tablespaces of the backup; those that exist stay as they are')
    .option('--jobs <n>', 'tables restored at once (default: one a processor, up to 4)', parseCount)
    .option('--schema-only', 'definitions without rows')
    .option('--clean-room', 'first prove it on a throw-away server, before the destination is asked for anything')
    .option('--keep-going', 'report statements that fail as warnings')
    .option('--allow-commands', 'let a plain SQL file run commands of psql, which may do anything on this machine')
    .option('--no-analyze', 'do not let the server learn about the restored tables')
    .option('--scratch-dir <folder>', 'where large temporary files go (default: the temporary folder)');
  finishCommand(identityOption(command)).action((word: string | undefined, flags: RestoreFlags) =>
    runner.run(command, async (session) => {
      const { run } = await import('../actions/restore.ts');
      return run(session, word ?? 'latest', flags);
    }),
  );
}
