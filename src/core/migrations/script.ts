import { createHash } from 'node:crypto';
import { readCopy } from '../sql/copy-statement.ts';
import type { Dialect } from '../sql/dialect.ts';
import { SqlScanner } from '../sql/scanner.ts';
import { canonicalStatement } from './canonical.ts';
import { isDirective, readDirective, type Directives } from './directives.ts';

/** What an engine knows of the SQL that its migrations are made of. */
export interface ScriptRules {
  readonly dialect: Dialect;
  /** Statements that the database runs outside of a transaction only; tried on the canonical form. */
  readonly outside: RegExp;
  /** Those that may end and begin transactions themselves, and so run outside of one where a file has none. */
  readonly ownTransactions?: RegExp;
  /** Statements that no migration may hold, each with the reason. */
  readonly forbidden: readonly { readonly pattern: RegExp; readonly reason: string }[];
}

export interface Statement {
  /** Without its semicolon. */
  readonly text: string;
  readonly canonical: string;
  readonly line: number;
  /** In a file without a transaction: whether not even this one statement can have one, with the record of it. */
  readonly bare: boolean;
  /** What the script means up to here, as `meaning` is written. */
  readonly meaningSoFar: string;
}

/** A file of SQL, understood as far as running it safely needs. */
export interface MigrationScript {
  readonly file: string;
  readonly statements: readonly Statement[];
  readonly directives: Directives;
  /** `sha256:` of the bytes. */
  readonly checksum: string;
  /** `sql1:` of the statements without comments and white space; 1 is the way they are read. */
  readonly meaning: string;
  /** The whole text, without a byte order mark. */
  readonly text: string;
  /** Why it is not run, each with its line. */
  readonly problems: readonly string[];
}

/** Reads a migration or a rollback; whatever is wrong with it stands in `problems`. */
export function readScript(file: string, bytes: Buffer, rules: ScriptRules): MigrationScript {
  const problems: string[] = [];
  const text = decode(bytes, (reason) => problems.push(`${file}: ${reason}`));
  const source = Buffer.from(text);
  const found = scan(source, rules);
  const say = (line: number, reason: string): number => problems.push(`${file}:${line}: ${reason}`);
  for (const { line, reason } of found.problems) say(line, reason);
  if (found.statements.length + problems.length === 0) problems.push(`${file}: it holds no statement`);
  const directives = readDirectives(found.comments, found.statements, say);
  for (const statement of found.statements)
    judge(statement, directives, rules, (reason) => say(statement.line, reason));
  return {
    file,
    text,
    statements: found.statements,
    directives,
    checksum: `sha256:${sha256(bytes)}`,
    meaning: found.statements.at(-1)?.meaningSoFar ?? 'sql1:',
    problems,
  };
}

function decode(bytes: Buffer, say: (reason: string) => void): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    say('it is not UTF-8');
    return '';
  }
}

interface Comment {
  readonly text: string;
  readonly line: number;
}

interface Found {
  readonly statements: readonly Statement[];
  readonly comments: readonly Comment[];
  readonly problems: readonly { readonly line: number; readonly reason: string }[];
}

function scan(source: Buffer, rules: ScriptRules): Found {
  const { dialect } = rules;
  const statements: Statement[] = [];
  const comments: Comment[] = [];
  const problems: { line: number; reason: string }[] = [];
  const scanner = new SqlScanner(
    dialect,
    {
      statement: (head, line) => {
        const copy = dialect.copyData ? readCopy(head) : undefined;
        const streams = copy?.direction === 'from' && copy.with === 'stream';
        if (streams) problems.push({ line, reason: 'rows of a COPY cannot stand in a migration; write INSERT' });
        statements.push(statementOf(head, line, statements.at(-1), rules));
      },
      comment: (text, line) => comments.push({ text: text.toString('utf8').trimEnd(), line }),
      command: ({ text, line }) => {
        const word = /^\\\S*/.exec(text.toString('utf8'))?.[0] ?? '';
        problems.push({ line, reason: `${word} is a command of psql, which no migration may hold` });
      },
      doubtful: (reason, line) => problems.push({ line, reason: `programs read this in different ways: ${reason}` }),
    },
    Number.MAX_SAFE_INTEGER,
  );
  scanner.scan(source);
  const { open, line } = scanner.end();
  if (!['nothing', 'a statement'].includes(open)) problems.push({ line, reason: `${open} does not end` });
  return { statements, comments, problems };
}

function statementOf(
  head: Buffer,
  line: number,
  before: Statement | undefined,
  { dialect, outside, ownTransactions }: ScriptRules,
): Statement {
  const text = head.toString('utf8').trimEnd().replace(/;$/, '');
  const canonical = canonicalStatement(Buffer.from(text), dialect);
  const bare = outside.test(canonical) || ownTransactions?.test(canonical) === true;
  const meaningSoFar = `sql1:${sha256(`${before?.meaningSoFar ?? ''}\n${canonical}`)}`;
  return { text, canonical, line, bare, meaningSoFar };
}

function readDirectives(
  comments: readonly Comment[],
  statements: readonly Statement[],
  say: (line: number, reason: string) => void,
): Directives {
  let directives: Directives = { transaction: true, foreignKeys: false, mayLoseRows: [] };
  const first = statements[0]?.line ?? Number.MAX_SAFE_INTEGER;
  for (const { text, line } of comments.filter((comment) => isDirective(comment.text))) {
    const read = readDirective(text, directives);
    if (typeof read === 'string') say(line, read);
    else if (line >= first) say(line, 'a directive has to stand before the first statement');
    else directives = read;
  }
  return directives;
}

const control = /^(abort|begin|commit|end|release|rollback|savepoint|start transaction|prepare transaction)\b/i;

function judge(
  { canonical }: Statement,
  { transaction }: Directives,
  rules: ScriptRules,
  say: (reason: string) => void,
): void {
  const word = control.exec(canonical)?.[0];
  if (word !== undefined) say(`${word.toUpperCase()}: dbops begins and ends the transaction, a file may not`);
  const forbidden = rules.forbidden.find(({ pattern }) => pattern.test(canonical));
  if (forbidden !== undefined) say(forbidden.reason);
  if (transaction && rules.outside.test(canonical)) {
    say('this runs outside of a transaction only; put `-- dbops: no-transaction` into the first line of the file');
  }
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}
