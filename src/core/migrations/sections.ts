/** What a file in the form of dbmate holds: both directions, each with the lines that it has in the file. */
export interface Sections {
  readonly up: string;
  readonly down: string | undefined;
}

/**
 * Takes a file apart whose directions stand behind `-- migrate:up` and `-- migrate:down`; undefined for a file without the
 * former. Lines of the other direction become empty, so that messages name the line people see. `transaction:false` becomes
 * our directive in the line of the mark; any other option is left for the reader of directives to refuse.
 * (Source of the form: README of dbmate, "Creating Migrations" and "Migration Options".)
 */
export function readSections(text: string): Sections | undefined {
  const lines = text.split('\n');
  const up = lines.findIndex((line) => markOf(line)?.direction === 'up');
  if (up < 0) return undefined;
  const down = lines.findIndex((line) => markOf(line)?.direction === 'down');
  const end = down > up ? down : lines.length;
  return {
    up: only(lines, up, end),
    down: down < 0 ? undefined : only(lines, down, up > down ? up : lines.length),
  };
}

function only(lines: readonly string[], from: number, to: number): string {
  const kept = lines.slice(from, to).map((line, index) => (index === 0 ? directiveOf(line) : line));
  return [...Array.from({ length: from }, () => ''), ...kept].join('\n');
}

function directiveOf(mark: string): string {
  const options = markOf(mark)?.options ?? '';
  if (options === '' || options === 'transaction:true') return '';
  return options === 'transaction:false' ? '-- dbops: no-transaction' : `-- dbops: ${options}`;
}

function markOf(line: string): { readonly direction: string; readonly options: string } | undefined {
  const [, direction, options = ''] = /^--\s*migrate:(up|down)\b\s*(.*?)\s*$/.exec(line) ?? [];
  return direction === undefined ? undefined : { direction, options };
}
