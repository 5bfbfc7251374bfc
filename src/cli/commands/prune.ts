import type { Command } from 'commander';
import { addCommand, finishCommand, lockWaitOption, parseCount, storagesOption } from '../command.ts';
import type { PruneFlags } from '../run-prune.ts';
import type { Runner } from '../runner.ts';

export function registerPrune(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'prune',
    summary: 'Remove the backups that no retention rule keeps. The newest good one and pinned ones always stay.',
    examples: [
      ['dbops prune --dry-run', 'what would go, and why the others stay'],
      ['dbops prune --target app', 'of one target'],
      ['dbops prune --storage ./backups --storage /srv/offsite', 'each by its own rules'],
      ['dbops prune --retention-days 30', 'one age limit instead of the configured rules'],
    ],
  });
  storagesOption(command)
    .option('--target <name>', 'only backups of this target')
    .option('--retention-days <days>', 'keep for so many days, instead of the configured rules', parseCount)
    .option('--dry-run', 'decide and explain, remove nothing');
  finishCommand(lockWaitOption(command)).action((flags: PruneFlags) =>
    runner.run(command, async (session) => {
      const { pruneAll } = await import('../actions/prune.ts');
      return pruneAll(session, flags);
    }),
  );
}
