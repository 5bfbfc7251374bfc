import { Option, type Command } from 'commander';
import type { CopyFlags } from '../actions/copy.ts';
import { addCommand, finishCommand, lockWaitOption, parseRate } from '../command.ts';
import type { Runner } from '../runner.ts';

export function registerCopy(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'copy [backup...]',
    summary: 'Bring a storage up to date with another: copy the backups that it lacks, every byte checked.',
    examples: [
      ['dbops copy --to /srv/offsite', 'all that is missing there'],
      ['dbops copy latest --target app --to /srv/offsite', 'one backup'],
      ['dbops copy --to /srv/offsite --dry-run', 'what would be copied'],
      ['dbops copy --to /srv/offsite --limit-rate 5MB', 'leave room on the line'],
    ],
  });
  command
    .option('--to <name|folder|url>', 'the storage that is brought up to date (required)')
    .option('--from <name|folder|url>', 'the storage to copy from (default: config, BACKUP_DIR, ./backups)')
    .option('--target <name>', 'only backups of this target')
    .addOption(
      new Option('--verify <level>', 'whether what was stored is read back (default: checksum)').choices([
        'none',
        'checksum',
      ]),
    )
    .option('--limit-rate <rate>', 'most bytes a second that are written: 500kB, 10MB', parseRate)
    .option('--dry-run', 'say what would be copied, copy nothing');
  finishCommand(lockWaitOption(command)).action((words: string[], flags: CopyFlags) =>
    runner.run(command, async (session) => {
      const { copyAll } = await import('../actions/copy.ts');
      return copyAll(session, words, flags);
    }),
  );
}
