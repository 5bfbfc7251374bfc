import { Option, type Command } from 'commander';
import { parseCount, parseMs, storagesOption } from './command.ts';

/** Where the files and the ledger are. */
export function placeOptions(command: Command): Command {
  return command
    .option('--folder <folder>', 'where the migrations are (default: config, ./migrations)')
    .option('--table <name>', 'the table of the ledger (default: config, schema_migrations)');
}

/** How a database is changed. */
export function changeOptions(command: Command): Command {
  return storagesOption(
    command.addOption(
      new Option('--backup <when>', 'back up first (default: config, auto)').choices(['auto', 'always', 'never']),
    ),
  )
    .option('--lock-wait <time>', 'how long to wait for another run of migrations (default: 60s)', parseMs)
    .option('--lock-timeout <time>', 'how long a statement may wait for a lock (default: 5s)', parseMs)
    .option('--lock-retries <n>', 'how often to try again a file that did not get its locks (default: 10)', parseCount);
}
