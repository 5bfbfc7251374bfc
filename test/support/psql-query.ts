import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
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
  const lines = createInterface({ input: child.stdout, crlfDelay: 0 })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();

  async function run(sql: string): Promise<readonly Row[]> {
    child.stdin.write(`${sql}\n;\n\\echo '' :'SQLSTATE' :'LAST_ERROR_MESSAGE'\n\\echo ${mark}\n`);
    const found: string[] = [];
    for (;;) {
      const { done, value } = await lines.next();
      if (done === true) throw new Error(`psql ended during: ${sql.slice(0, 200)}`);
      if (value === mark) break;
      found.push(value);
    }
    const at = found.findLastIndex((line) => /^ '[0-9A-Z]{5}' '/.test(line));
    const [, state = '', message = ''] = /^ '(.{5})' '(.*)'$/s.exec(found.slice(at).join('\n')) ?? [];
    if (state !== '00000') throw new SqlError(state, message.replaceAll("''", "'"));
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
