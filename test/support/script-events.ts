import { postgresDialect, type Dialect } from '../../src/core/sql/dialect.ts';
import { SqlScanner } from '../../src/core/sql/scanner.ts';
import type { ScriptEnd } from '../../src/core/sql/script.ts';

export interface ScriptEvents {
  /** `2 S SELECT 1;`: the line, what it is, its text. */
  readonly events: readonly string[];
  readonly end: ScriptEnd;
}

/** What the scanner tells of a script that comes in pieces of this size; pieces of one thing are put together again. */
export function eventsOf(
  script: string | Buffer,
  options: { readonly size?: number; readonly dialect?: Dialect; readonly headBytes?: number } = {},
): ScriptEvents {
  const bytes = Buffer.from(script as string);
  const events: string[] = [];
  let rows = 0;
  const scanner = new SqlScanner(
    options.dialect ?? postgresDialect,
    {
      statement: (head, line) => events.push(`${line} S ${head.toString('latin1')}`),
      rest: (more) => events.push(`${events.pop()}${more.toString('latin1')}`),
      comment: (text, line) => events.push(`${line} -- ${text.toString('latin1').slice(2).trim()}`),
      command: ({ text, line, inStatement }) =>
        events.push(`${line} ${inStatement ? 'c' : 'C'} ${text.toString('latin1')}`),
      data: (_, count, ended) => {
        rows += count;
        if (!ended) return;
        events.push(`${rows} rows`);
        rows = 0;
      },
      doubtful: (reason, line) => events.push(`${line} ? ${reason}`),
    },
    options.headBytes,
  );
  const size = options.size ?? bytes.length;
  for (let at = 0; at < bytes.length; at += size) scanner.scan(bytes.subarray(at, at + size));
  const end = scanner.end();
  if (rows > 0) events.push(`${rows} rows, open`);
  return { events, end };
}
