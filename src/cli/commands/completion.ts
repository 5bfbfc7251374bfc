import { Argument, type Command } from 'commander';
import { addCommand, finishCommand } from '../command.ts';
import type { Runner } from '../runner.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export function registerCompletion(program: Command, runner: Runner): void {
  const command = addCommand(program, {
    usage: 'completion',
    summary: 'Print a completion script for a shell.',
    examples: [
      ['dbops completion bash > ~/.local/share/bash-completion/completions/dbops', 'bash'],
      ['dbops completion zsh > ~/.zfunc/_dbops', 'zsh, with ~/.zfunc in fpath'],
      ['dbops completion fish > ~/.config/fish/completions/dbops.fish', 'fish'],
    ],
  });
  command.addArgument(new Argument('<shell>', 'which shell').choices(shells));
  finishCommand(command).action((shell: (typeof shells)[number]) =>
    runner.print(command, async () => {
      const { bashCompletion, fishCompletion, zshCompletion } = await import('../completion-scripts.ts');
      const script = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion }[shell](program);
      return { document: { ok: true, shell, script }, text: script.trimEnd() };
    }),
  );
}
