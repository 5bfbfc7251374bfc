import { Option, type Command } from 'commander';
import { verifyLevels } from '../../core/levels.ts';
import type { VerifyFlags } from '../actions/verify.ts';
import { addCommand, finishCommand, selectorOptions } from '../command.ts';
import { identityOption } from '../keys.ts';
import type { Runner } from '../runner.ts';

export function registerVerify(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'verify [backup]',
    summary: 'Prove a backup (default: latest), and record the result beside it.',
    examples: [
      ['dbops verify', 'every stored byte of the latest backup'],
      ['dbops verify --level restore', 'restore it into a scratch place and compare'],
      ['dbops verify --all --level structure', 'every backup of the storage'],
      ['dbops verify --level restore --scratch-url "$SCRATCH_URL"', 'of PostgreSQL: on a server of yours'],
    ],
  });
  selectorOptions(command)
    .option('--all', 'every backup that fits')
    .addOption(new Option('--level <level>', 'how deep').choices(verifyLevels).default('checksum'))
    .option('--scratch-dir <folder>', 'where test restores are put (default: on the disk of the storage)')
    .option('--scratch-url <url>', 'a server to make the test database on (PostgreSQL; default: a throw-away one)');
  finishCommand(identityOption(command)).action((word: string | undefined, flags: VerifyFlags) =>
    runner.run(command, async (session) => {
      const { verifyAll, verifyOne } = await import('../actions/verify.ts');
      return flags.all === true ? verifyAll(session, word, flags) : verifyOne(session, word, flags);
    }),
  );
}
