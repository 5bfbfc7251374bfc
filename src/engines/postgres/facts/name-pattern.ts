import { DbopsError } from '../../../core/errors.ts';
import { quoteLiteral } from './sql-text.ts';

export interface NamePattern {
  /** Regular expressions of the server, anchored; the schema's is undefined for a name that is looked up in the path. */
  readonly schema: string | undefined;
  readonly name: string;
  /** The database's name as it was written, unfolded by patterns; must be the connected one. */
  readonly database: string | undefined;
}

/**
 * Reads a pattern of pg_dump: `*` and `?` as in a shell, the server's regular expressions otherwise, letters folded to
 * small ones outside double quotes, a dot between schema and name (PostgreSQL manual, psql, "Patterns"). Throws USAGE
 * for one that has too many dots, an open quote or a NUL.
 */
export function parsePattern(pattern: string): NamePattern {
  const parts = splitPattern(pattern);
  const [name, schema, database, ...more] = parts.toReversed();
  if (name === undefined || more.length > 0) throw improper(pattern, 'has too many dots');
  return {
    name: anchored(name.regex),
    schema: schema === undefined ? undefined : anchored(schema.regex),
    database: database?.literal,
  };
}

/** The condition that a column of names matches, under the rules that pg_dump matches by. */
export function matches(column: string, regex: string): string {
  return `${column} OPERATOR(pg_catalog.~) ${quoteLiteral(regex)} COLLATE pg_catalog."default"`;
}

interface PatternPart {
  readonly regex: string;
  readonly literal: string;
}

function splitPattern(pattern: string): PatternPart[] {
  if (pattern.includes('\0')) throw improper(pattern, 'holds a NUL');
  const parts = [{ regex: '', literal: '' }];
  let quoted = false;
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    const part = parts.at(-1);
    if (part === undefined) break;
    if (char === '"' && quoted && pattern.charAt(at + 1) === '"') at += 1;
    else if (char === '"') {
      quoted = !quoted;
      continue;
    }
    if (char === '.' && !quoted) parts.push({ regex: '', literal: '' });
    else {
      part.literal += quoted ? char : fold(char);
      part.regex += quoted ? escaped(char) : unquoted(char, pattern.charAt(at + 1));
    }
  }
  if (quoted) throw improper(pattern, 'has an open quote');
  return parts;
}

function unquoted(char: string, next: string): string {
  if (char === '*') return '.*';
  if (char === '?') return '.';
  // The dollar sign belongs to names, and `[]` to those of array types; all else is left to who knows expressions.
  if (char === '$' || (char === '[' && next === ']')) return `\\${char}`;
  return fold(char);
}

function escaped(char: string): string {
  return /[|*+?()[\]{}.^$\\]/.test(char) ? `\\${char}` : char;
}

/** Only ASCII letters: others depend on the locale of whoever folds. */
function fold(char: string): string {
  return /[A-Z]/.test(char) ? char.toLowerCase() : char;
}

function anchored(regex: string): string {
  return `^(${regex})$`;
}

function improper(pattern: string, problem: string): DbopsError {
  return new DbopsError('USAGE', `pattern ${JSON.stringify(pattern)} ${problem}`, {
    hint: 'Write patterns as for pg_dump: "schema.table", with double quotes around what is no plain name.',
  });
}
