import type { Command } from 'commander';
import type { GenerateFlags } from '../actions/key-generate.ts';
import { addCommand, finishCommand, lockWaitOption, storagesOption } from '../command.ts';
import { identityOption, recipientOptions } from '../keys.ts';
import type { RotateFlags } from '../run-rotate.ts';
import type { Runner } from '../runner.ts';

export function registerKey(program: Command, runner: Runner): void {
  const key = program
    .command('key')
    .description('Make a key for encrypted backups, or encrypt backups for another one.');
  const generate = addCommand(key, {
    usage: 'generate',
    summary: 'Make a secret key of age, and print its public one, the recipient.',
    examples: [['dbops key generate --output key.txt', 'keep that file elsewhere: without it no backup can be read']],
  });
  generate.option('--output <file>', 'a new file for the secret key; - prints it');
  finishCommand(generate).action((flags: GenerateFlags) =>
    runner.print(generate, async (host, loadWorld) => {
      const actions = await import('../actions/key-generate.ts');
      return actions.generate(host, await loadWorld(), { ...flags, ...generate.optsWithGlobals<GenerateFlags>() });
    }),
  );
  const rotate = addCommand(key, {
    usage: 'rotate',
    summary: 'Encrypt the backups of a storage for other recipients, without dumping again.',
    examples: [
      ['dbops key rotate --identity old.txt --recipients-file new.pub', 'a new key'],
      ['dbops key rotate --identity old.txt --recipients-file new.pub --dry-run', 'what would be done'],
    ],
  });
  storagesOption(rotate).option('--target <name>', 'only backups of this target');
  recipientOptions(identityOption(rotate)).option('--dry-run', 'say what would be done');
  finishCommand(lockWaitOption(rotate)).action((flags: RotateFlags) =>
    runner.run(rotate, async (session) => {
      const actions = await import('../actions/key-rotate.ts');
      return actions.rotateAll(session, flags);
    }),
  );
}
