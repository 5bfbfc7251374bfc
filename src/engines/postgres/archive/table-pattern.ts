import { DbopsError } from '../../../core/errors.ts';

export interface TablePattern {
  readonly text: string;
  matches(namespace: string | undefined, table: string): boolean;
}

/** A part is a quoted name, in which two quotes stand for one, or a plain one. */
const form = /^(?:("(?:[^"]|"")+"|[^".]+)\.)?("(?:[^"]|"")+"|[^".]+)$/su;

/**
 * Understands a table's name as SQL and pg_dump's `--table` do: `users`, `public.users`, `"Users"`, `audit_*`. What is
 * not quoted is folded to lower case, and `*` and `?` in it stand for any text and any character. A name without a
 * schema means the table in every schema that has one: an archive knows no search path.
 * @throws DbopsError USAGE for what cannot be a name.
 */
export function parseTablePattern(text: string): TablePattern {
  const [, schema, table] = form.exec(text) ?? [];
  if (table === undefined) {
    throw new DbopsError('USAGE', `"${text}" is no name of a table`, {
      hint: 'Write table or schema.table; a part with other characters than letters, digits and _ goes in double quotes.',
    });
  }
  const [isSchema, isTable] = [schema === undefined ? () => true : part(schema), part(table)];
  return { text, matches: (namespace, name) => isSchema(namespace ?? '') && isTable(name) };
}

function part(text: string): (name: string) => boolean {
  if (text.startsWith('"')) {
    const exact = text.slice(1, -1).replaceAll('""', '"');
    return (name) => name === exact;
  }
  const pieces = fold(text).split(/([*?])/);
  const source = pieces.map((piece) => (piece === '*' ? '.*' : piece === '?' ? '.' : escape(piece))).join('');
  const pattern = new RegExp(`^${source}$`, 'su');
  return (name) => pattern.test(name);
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}

/** PostgreSQL folds the letters of ASCII, whatever the locale says of others. */
function fold(text: string): string {
  return text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}
