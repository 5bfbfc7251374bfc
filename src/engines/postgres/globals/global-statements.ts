import { postgresDialect } from '../../../core/sql/dialect.ts';
import { SqlScanner } from '../../../core/sql/scanner.ts';
import { decode, tokensOf, type Token } from '../../../core/sql/tokens.ts';

/** A statement of `pg_dumpall --globals-only`, and whom it is about. */
export interface GlobalStatement {
  readonly text: Buffer;
  readonly subject: 'role' | 'tablespace' | 'session';
  /** Of the role or tablespace that it makes or changes; of a membership, the member. Empty for the session. */
  readonly name: string;
  /** The database in which alone it holds. */
  readonly database: string | undefined;
}

/** Splits a script of globals; what is no statement in it (comments, commands of psql) is left out. */
export function readGlobalStatements(script: Buffer): GlobalStatement[] {
  const statements: GlobalStatement[] = [];
  const scanner = new SqlScanner(postgresDialect, {
    statement: (head) => void statements.push(describe(Buffer.from(head))),
  });
  scanner.scan(script);
  scanner.end();
  return statements;
}

function describe(text: Buffer): GlobalStatement {
  const tokens = tokensOf(text);
  const [first] = tokens;
  const database = nameAfter(tokens, ['in', 'database']);
  if (first?.text === 'grant' || first?.text === 'revoke') return { text, ...subjectOfGrant(tokens), database };
  for (const subject of ['role', 'tablespace'] as const) {
    const name = nameAfter(tokens, [subject]);
    if (name !== undefined && first?.text !== 'set') return { text, subject, name, database };
  }
  return { text, subject: 'session', name: '', database };
}

/** `GRANT a TO b` makes b a member; `GRANT … ON TABLESPACE t TO b` is about t, and one on a parameter about b. */
function subjectOfGrant(tokens: readonly Token[]): Pick<GlobalStatement, 'subject' | 'name'> {
  const tablespace = nameAfter(tokens, ['on', 'tablespace']);
  if (tablespace !== undefined) return { subject: 'tablespace', name: tablespace };
  return { subject: 'role', name: nameAfter(tokens, ['to']) ?? nameAfter(tokens, ['from']) ?? '' };
}

/** The name that follows these words. */
function nameAfter(tokens: readonly Token[], words: readonly string[]): string | undefined {
  const at = tokens.findIndex((_, index) =>
    words.every((word, offset) => {
      const token = tokens[index + offset];
      return token?.type === 'word' && token.text === word;
    }),
  );
  const name = at < 0 ? undefined : tokens[at + words.length];
  return name === undefined || (name.type !== 'word' && name.type !== 'name') ? undefined : decode(name.text);
}
