import type { Command } from 'commander';
import type { PinFlags } from '../actions/pin.ts';
import { addCommand, finishCommand, selectorOptions } from '../command.ts';
import type { Runner } from '../runner.ts';

export function registerPin(program: Command, runner: Runner): void {
  const pin = addCommand(program, {
    usage: 'pin <backup>',
    summary: 'Keep a backup, whatever retention says.',
    examples: [
      ['dbops pin latest', 'before something risky'],
      ['dbops pin 20261120T020000Z', 'by the beginning of its id'],
    ],
  });
  const unpin = addCommand(program, {
    usage: 'unpin <backup>',
    summary: 'Leave a backup to retention again.',
    examples: [['dbops unpin latest', 'the risk is over']],
  });
  for (const [command, pinned] of [
    [pin, true],
    [unpin, false],
  ] as const) {
    selectorOptions(command).option('--dry-run', 'say which backup is meant');
    finishCommand(command).action((word: string, flags: PinFlags) =>
      runner.run(command, async (session) => {
        const { change } = await import('../actions/pin.ts');
        return change(session, word, flags, pinned);
      }),
    );
  }
}
