import { Option, type Command } from 'commander';
import { factLevels, verifyLevels } from '../../core/levels.ts';
import type { BackupFlags } from '../backup-request.ts';
import {
  addCommand,
  finishCommand,
  lockWaitOption,
  parseCount,
  parseMs,
  parseRate,
  storagesOption,
} from '../command.ts';
import { dumpOptions } from '../dump-flags.ts';
import { recipientOptions } from '../keys.ts';
import type { Runner } from '../runner.ts';

export function registerBackup(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'backup [target...]',
    summary: 'Back up databases: names from the configuration, or paths and URLs (default: all configured).',
    examples: [
      ['dbops backup app.db', 'into ./backups, checked and read back'],
      ['dbops backup app.db --storage /srv/backups --class daily --prune', 'a crontab line'],
      ['dbops backup "$DATABASE_URL" --no-owner --no-acl', 'of PostgreSQL, by its pg_dump'],
      ['dbops backup "$DATABASE_URL" --format directory --jobs 4', 'by four at once, a file a table'],
      ['dbops backup app.db --storage ./backups --storage /srv/offsite', 'one dump, in two places'],
      ['dbops backup app.db --recipients-file backup.pub', 'encrypted; no secret is needed for it'],
      ['dbops backup app.db --class pre-deploy --tag release=42 --verify restore', 'before a deploy, proven'],
    ],
  });
  storagesOption(command)
    .option('--class <class>', 'what it is for, and so how long it stays: daily, weekly, pre-deploy …')
    .option('--tag <name=value...>', 'labels to find it by')
    .option('--pin', 'keep it until it is unpinned')
    .option('--compress <codec>', 'zstd[:1-19], gzip[:1-9] or none (default: zstd)')
    .addOption(new Option('--facts <level>', 'also record a digest of every table').choices(factLevels))
    .addOption(new Option('--verify <level>', 'what to prove (default: checksum)').choices(['none', ...verifyLevels]))
    .option('--prune', 'then remove what retention lets go')
    .option('--retention-days <days>', 'keep for so many days, instead of the configured rules', parseCount)
    .option('--limit-rate <rate>', 'most bytes a second for each storage: 500kB, 10MB', parseRate)
    .option('--scratch-dir <folder>', 'where the snapshot is collected (default: on the disk of the storage)')
    .option('--lock-timeout <time>', 'how long to wait for locks of other programs (default: 30s)', parseMs)
    .option('--dry-run', 'say what would be done');
  recipientOptions(command).option('--no-encrypt', 'do not encrypt, whatever the configuration says');
  finishCommand(dumpOptions(lockWaitOption(command))).action((words: string[], flags: BackupFlags) =>
    runner.run(command, async (session) => {
      const { backupAll } = await import('../actions/backup.ts');
      return backupAll(session, words, flags);
    }),
  );
}
