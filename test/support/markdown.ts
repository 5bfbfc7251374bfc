import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

export function readProjectFile(path: string): string {
  return readFileSync(fileURLToPath(new URL(path, root)), 'utf8');
}

export interface Fence {
  /** `sh`, `console`, `json` … */
  readonly language: string;
  readonly text: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
}

/** The fenced blocks of a Markdown text, in order. */
export function fencesOf(markdown: string): Fence[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(({ index, 1: language = '', 2: text = '' }) => ({
    language,
    text,
    line: markdown.slice(0, index).split('\n').length,
  }));
}

/** The cells of a table's body rows, found by the heading of its first column. */
export function tableOf(markdown: string, heading: string): string[][] {
  const lines = markdown.split('\n');
  const start = lines.findIndex((line) => line.startsWith(`| ${heading} |`));
  if (start === -1) throw new Error(`no table begins with the column ${heading}`);
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'));
  return lines.slice(start + 2, end === -1 ? undefined : end).map((line) =>
    line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

export interface Command {
  readonly line: string;
  readonly exitCode: number;
  /** What the text says it prints; undefined where it says nothing. */
  readonly output: readonly string[] | undefined;
}

/**
 * The commands of a block: every line of `sh` and of `crontab` (without its schedule), the lines after `$ ` of `console`, each continued by a final
 * backslash. `# exit 9` at the end of a command is the status it must have.
 */
export function commandsOf({ language, text }: Fence): Command[] {
  const lines = text.replace(/\\\n/g, '').split('\n').slice(0, -1);
  if (language === 'sh') {
    return lines
      .filter((line) => line.trim() !== '' && !line.startsWith('#'))
      .map((line) => commandOf(line, undefined));
  }
  if (language === 'crontab') {
    return lines
      .flatMap((line) => /^(?:[\d*/,-]+ ){5}(.*)$/.exec(line)?.slice(1) ?? [])
      .map((line) => commandOf(line, undefined));
  }
  const starts = lines.flatMap((line, index) => (line.startsWith('$ ') ? [index] : []));
  return starts.map((start, index) => {
    const output = lines.slice(start + 1, starts[index + 1]);
    return commandOf(lines[start]?.slice(2) ?? '', output.length === 0 ? undefined : output);
  });
}

function commandOf(line: string, output: readonly string[] | undefined): Command {
  const [, code] = /# exit (\d+)$/.exec(line) ?? [];
  return { line, exitCode: Number(code ?? 0), output };
}
