import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { type Query, type Row, SqlError } from '../../src/engines/postgres/connection/query.ts';

export interface PsqlSession extends AsyncDisposable {
  readonly query: Query;
}

/** A session over a psql that stays: each statement's rows come as CSV up to a line that only this session knows. */
export function openPsql(program: string, env: Readonly<Record<string, string>>): PsqlSession {
  const mark = randomUUID();
  const child = spawn(program, ['-X', '-q', '--csv', '-v', 'ON_ERROR_STOP=0', '-P', `null=${mark}null`], {
    env: { ...env, LC_ALL: 'C.UTF-8', PGCLIENTENCODING: 'UTF8' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = linesOf(child.stdout);
  let last: Promise<unknown> = Promise.resolve();

  async function run(sql: string): Promise<readonly Row[]> {
    child.stdin.write(`${sql}\n;\n\\echo '' :'SQLSTATE' :'LAST_ERROR_MESSAGE'\n\\echo ${mark}\n`);
    const found: string[] = [];
    for (;;) {
      const next = await lines.next();
      if (next.done === true) throw new Error(`psql ended during: ${sql.slice(0, 200)}`);
      if (next.value === mark) break;
      found.push(next.value);
    }
    const at = found.findLastIndex((line) => /^ '[0-9A-Z]{5}' +E?'/.test(line));
    const [, state = '', message = ''] = /^ '(.{5})' +E?'(.*)'$/s.exec(found.slice(at).join('\n')) ?? [];
    if (state !== '00000') throw new SqlError(state, message.replaceAll(/(['\\])\1/g, '$1'));
    return rowsOf(found.slice(0, at).join('\n'), `${mark}null`);
  }

  return {
    query: (sql) => {
      const result = last.then(() => run(sql));
      last = result.catch(() => undefined);
      return result;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.stdin.end();
        if (child.exitCode !== null) resolve();
      }),
  };
}

/** Split at line feeds only: a name may hold a carriage return. */
async function* linesOf(output: Readable): AsyncGenerator<string, void> {
  let rest = '';
  for await (const chunk of output.setEncoding('utf8')) {
    const lines = `${rest}${String(chunk)}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

function rowsOf(csv: string, nullText: string): Row[] {
  const [head = [], ...rows] = recordsOf(csv);
  return rows.map((row) =>
    Object.fromEntries(head.map((name, index) => [name, row[index] === nullText ? null : (row[index] ?? '')])),
  );
}

function recordsOf(csv: string): string[][] {
  if (csv === '') return [];
  const records: string[][] = [[]];
  for (const [, quoted, plain = '', end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    records.at(-1)?.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === '\n') records.push([]);
    if (end === '') break;
  }
  return records;
}
