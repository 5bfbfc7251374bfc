import type { Command, Option } from 'commander';

/** What can be completed after a command's path: `''` for the program, `config check` for a nested one. */
interface Level {
  readonly path: string;
  readonly commands: readonly Command[];
  readonly options: readonly Option[];
  readonly words: readonly string[];
}

/** A bash script; file names are offered where no word fits. */
export function bashCompletion(program: Command): string {
  const cases = levelsOf(program).map(({ path, commands, options, words }) => {
    const all = [...commands.map((command) => command.name()), ...words, ...options.flatMap(namesOf)];
    return `    ${quote(path)}) words=${quote(all.join(' '))} ;;`;
  });
  const choices = valuesOf(program).map(([option, values]) => `    ${option}) words=${quote(values.join(' '))} ;;`);
  return `# bash completion for dbops
_dbops() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path='' words='' index word
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$path $word" in
${pathCases(program)}
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  case "$previous" in
${choices.join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [[ \${#COMPREPLY[@]} -eq 0 ]]; then mapfile -t COMPREPLY < <(compgen -f -- "$current"); fi
}
complete -o filenames -F _dbops dbops
`;
}

/** A zsh function for a file called `_dbops` in fpath. */
export function zshCompletion(program: Command): string {
  const cases = levelsOf(program).map(({ path, commands, options, words }) => {
    const described = [
      ...commands.map((command) => `${command.name()}:${describe(command.description())}`),
      ...words.map((word) => `${word}:`),
      ...options.flatMap((option) => namesOf(option).map((name) => `${name}:${describe(option.description)}`)),
    ];
    return `    ${quote(path)}) entries=(${described.map(quote).join(' ')}) ;;`;
  });
  const choices = valuesOf(program).map(
    ([option, values]) => `    ${option}) entries=(${values.map(quote).join(' ')}) ;;`,
  );
  return `#compdef dbops
_dbops() {
  local path_='' word
  local -a entries
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$path_ $word" in
${pathCases(program, 'path_')}
    esac
  done
  case "$path_" in
${cases.join('\n')}
  esac
  case "\${words[CURRENT-1]}" in
${choices.join('\n')}
  esac
  _describe 'dbops' entries || _files
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _dbops "$@"; else compdef _dbops dbops; fi
`;
}

/** A fish script: one line a word, each with the condition under which it is offered. */
export function fishCompletion(program: Command): string {
  const lines = levelsOf(program).flatMap(({ path, commands, options, words }) => {
    const names = commands.map((command) => command.name());
    const seen = path.split(' ').filter((word) => word !== '');
    const conditions = [
      ...seen.map((word) => `__fish_seen_subcommand_from ${word}`),
      ...(names.length === 0 ? [] : [`not __fish_seen_subcommand_from ${names.join(' ')}`]),
    ];
    const when = conditions.length === 0 ? '' : ` -n ${quote(conditions.join('; and '))}`;
    return [
      ...commands.map((command) => `complete -c dbops${when} -a ${command.name()} -d ${quote(command.description())}`),
      ...words.map((word) => `complete -c dbops${when} -f -a ${word}`),
      ...options.map((option) => fishOption(option, when)),
    ];
  });
  return `# fish completion for dbops\n${lines.join('\n')}\n`;
}

function fishOption({ long, short, description, required, argChoices }: Option, when: string): string {
  const names = [...(long == null ? [] : [`-l ${long.slice(2)}`]), ...(short == null ? [] : [`-s ${short.slice(1)}`])];
  const values = argChoices === undefined ? (required ? ' -r' : '') : ` -x -a ${quote(argChoices.join(' '))}`;
  return `complete -c dbops${when} ${names.join(' ')}${values} -d ${quote(description)}`;
}

function levelsOf(command: Command, path = ''): Level[] {
  const commands = command.commands.filter((child) => child.name() !== 'help');
  const level: Level = {
    path,
    commands,
    options: command.createHelp().visibleOptions(command),
    words: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
  const below = commands.flatMap((child) => levelsOf(child, path === '' ? child.name() : `${path} ${child.name()}`));
  return [level, ...below];
}

function pathCases(program: Command, variable = 'path'): string {
  return levelsOf(program)
    .filter(({ path }) => path !== '')
    .map(({ path }) => {
      const words = path.split(' ');
      const before = words.slice(0, -1).join(' ');
      return `      ${quote(`${before} ${words.at(-1)}`)}) ${variable}=${quote(path)} ;;`;
    })
    .join('\n');
}

/** Options with a fixed set of values. The same option has the same values in every command. */
function valuesOf(program: Command): [string, readonly string[]][] {
  const found = levelsOf(program).flatMap(({ options }) =>
    options.flatMap(({ long, argChoices }): [string, readonly string[]][] =>
      long == null || argChoices === undefined ? [] : [[long, argChoices]],
    ),
  );
  const merged = new Map<string, readonly string[]>();
  for (const [long, values] of found) merged.set(long, [...new Set([...(merged.get(long) ?? []), ...values])]);
  return [...merged];
}

function namesOf({ long, short }: Option): string[] {
  return [long, short].filter((name) => name != null);
}

function describe(text: string): string {
  return text.replaceAll(':', ' -');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
