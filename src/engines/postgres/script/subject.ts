import { nameAt, parseName, type QualifiedName } from '../../../core/sql/names.ts';
import { decode, type Token } from '../../../core/sql/tokens.ts';

/** What a statement is about, by its text. Several may be set: the default of a table names a sequence too. */
export interface Subject {
  /** It changes how what follows is read: SET, or the search path. */
  readonly setting?: true;
  /** The table that it makes, changes, fills, or hangs something on. */
  readonly table?: QualifiedName;
  readonly creates?: 'table' | 'sequence' | 'object';
  readonly fills?: true;
  readonly drops?: true;
  readonly sequence?: QualifiedName;
  /** An index or extended statistics. */
  readonly object?: QualifiedName;
  /** What is attached to the table or the index. */
  readonly part?: QualifiedName;
}

const beforeNoun = new Set('or replace unique unlogged temp temporary global local foreign constraint'.split(' '));
const beforeName = new Set('concurrently if not exists only'.split(' '));

/** Reads the statement's words as the manual's reference of commands has them. */
export function subjectOf(tokens: readonly Token[]): Subject {
  const first = wordAt(tokens, 0);
  const noun = skipWords(tokens, 1, beforeNoun);
  switch (first) {
    case 'set':
      return { setting: true };
    case 'select':
      return selectOf(tokens);
    case 'insert':
    case 'copy':
      return withTable(tokens, first === 'copy' ? 1 : 2, { fills: true });
    case 'create':
      return created(tokens, wordAt(tokens, noun), noun + 1);
    case 'alter':
      return altered(tokens, wordAt(tokens, noun), noun + 1);
    case 'comment':
    case 'security':
    case 'grant':
    case 'revoke':
      return noted(tokens, find(tokens, 1, 'on') + 1);
    default:
      return {};
  }
}

function selectOf(tokens: readonly Token[]): Subject {
  const call = tokens.findIndex(({ text, type }) => type === 'word' && (text === 'setval' || text === 'set_config'));
  const argument = tokens[call + 2];
  if (call < 0 || argument?.type !== 'string') return {};
  if (wordAt(tokens, call) === 'set_config') return { setting: true };
  const sequence = parseName(decode(argument.text));
  return sequence === undefined ? {} : { sequence };
}

function created(tokens: readonly Token[], noun: string, at: number): Subject {
  const name = nameAt(tokens, skipWords(tokens, at));
  switch (noun) {
    case 'table':
      return withTable(tokens, at, { creates: 'table' });
    case 'sequence':
      return name === undefined ? {} : { creates: 'sequence', sequence: name.name };
    case 'index':
      return withTable(tokens, find(tokens, at, 'on') + 1, { creates: 'object', ...objectOf(tokens, at) });
    case 'statistics':
      return withTable(tokens, find(tokens, at, 'from') + 1, { creates: 'object', ...objectOf(tokens, at) });
    case 'trigger':
    case 'policy':
      return withTable(tokens, find(tokens, at, 'on') + 1);
    case 'rule':
      return withTable(tokens, find(tokens, at, 'to') + 1);
    default:
      return {};
  }
}

function altered(tokens: readonly Token[], noun: string, at: number): Subject {
  const found = nameAt(tokens, skipWords(tokens, at));
  if (found === undefined) return {};
  const { name, end } = found;
  const attached = wordAt(tokens, end) === 'attach' ? nameAt(tokens, end + 2)?.name : undefined;
  const part = attached === undefined ? {} : { part: attached };
  if (noun === 'index' || noun === 'statistics') return { object: name, ...part };
  if (noun === 'table') {
    const drops = wordAt(tokens, end) === 'drop' ? { drops: true as const } : {};
    return { table: name, ...part, ...drops, ...identityOf(tokens, end), ...constraintOf(tokens, end) };
  }
  if (noun !== 'sequence') return {};
  const owned = wordAt(tokens, end) === 'owned' ? nameAt(tokens, end + 2)?.name : undefined;
  return owned === undefined || owned.length < 2 ? { sequence: name } : { sequence: name, table: owned.slice(0, -1) };
}

/** COMMENT, SECURITY LABEL, GRANT, REVOKE: the words after ON. */
function noted(tokens: readonly Token[], at: number): Subject {
  if (at <= 0) return {};
  const noun = wordAt(tokens, at);
  const name = nameAt(tokens, at + 1)?.name;
  switch (noun) {
    case 'table':
      return withTable(tokens, at + 1);
    case 'foreign':
      return wordAt(tokens, at + 1) === 'table' ? withTable(tokens, at + 2) : {};
    case 'column':
      return name === undefined || name.length < 2 ? {} : { table: name.slice(0, -1) };
    case 'sequence':
      return name === undefined ? {} : { sequence: name };
    case 'index':
    case 'statistics':
      return name === undefined ? {} : { object: name };
    case 'constraint':
    case 'trigger':
    case 'rule':
    case 'policy':
      return wordAt(tokens, at + 3) === 'domain' ? {} : withTable(tokens, find(tokens, at, 'on') + 1);
    default:
      return wordAt(tokens, 0) === 'grant' || wordAt(tokens, 0) === 'revoke' ? withTable(tokens, at) : {};
  }
}

function withTable(tokens: readonly Token[], at: number, more: Subject = {}): Subject {
  const found = at <= 0 ? undefined : nameAt(tokens, skipWords(tokens, at));
  return found === undefined ? {} : { ...more, table: found.name };
}

function objectOf(tokens: readonly Token[], at: number): Subject {
  const start = skipWords(tokens, at);
  const name = ['on', 'from'].includes(wordAt(tokens, start)) ? undefined : nameAt(tokens, start)?.name;
  return name === undefined ? {} : { object: name };
}

/** `ADD CONSTRAINT name`: the name of its index too, if it has one. */
function constraintOf(tokens: readonly Token[], at: number): Subject {
  const found =
    wordAt(tokens, at) === 'add' && wordAt(tokens, at + 1) === 'constraint' ? nameAt(tokens, at + 2) : undefined;
  return found === undefined ? {} : { object: found.name };
}

/** `ADD GENERATED … AS IDENTITY (SEQUENCE NAME …)`. */
function identityOf(tokens: readonly Token[], from: number): Subject {
  const at = tokens.findIndex(
    (_, index) => index >= from && wordAt(tokens, index) === 'sequence' && wordAt(tokens, index + 1) === 'name',
  );
  const found = at < 0 ? undefined : nameAt(tokens, at + 2);
  return found === undefined ? {} : { sequence: found.name };
}

function find(tokens: readonly Token[], from: number, word: string): number {
  return tokens.findIndex(
    ({ type, text, depth }, index) => index >= from && type === 'word' && depth === 0 && text === word,
  );
}

/** Skips words such as UNIQUE, IF NOT EXISTS and ONLY; `only` followed by a dot would be a schema. */
function skipWords(tokens: readonly Token[], from: number, words: ReadonlySet<string> = beforeName): number {
  let at = from;
  while (words.has(wordAt(tokens, at)) && tokens[at + 1]?.text !== '.') at++;
  return at;
}

function wordAt(tokens: readonly Token[], at: number): string {
  const token = tokens[at];
  return token?.type === 'word' ? token.text : '';
}
