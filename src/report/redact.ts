import { plain } from './format.ts';

/** Takes secrets out of everything that leaves the process, whatever put them there. */
export interface Redactor {
  /** From now on this value is never printed. Values that are no secrets but common words are not hidden. */
  readonly add: (secret: string) => void;
  readonly redact: (text: string) => string;
  /** What `JSON.stringify` makes of a document, with secrets hidden in strings only: it keeps its shape and meaning. */
  readonly redactJson: (document: unknown, space?: number) => string;
}

// Letters only: what is printed may be run by a shell, to which `*` means every file.
const mask = 'REDACTED';
const shortestSecret = 6;
const commonWord = /^(true|false|yes|no|on|off|null|none|[+-]?\d+(\.\d+)?)$/i;

// Up to the last @ before the path: people forget to encode the @ in a password.
const passwordPlace = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):([^\s/]+)@/gi;

/**
 * Members that dbops made itself: places, ids, commands and words of a fixed set. Somebody acts on them, so a secret
 * that happens to be the name of a folder must not change them.
 */
const exactMembers = new Set(
  [
    ['undo', 'kept', 'into', 'from', 'file', 'database', 'storage', 'config', 'folder', 'script', 'host'],
    ['id', 'target', 'backup', 'removed', 'litter', 'class', 'engine', 'level', 'code', 'codec', 'at'],
    ['startedAt', 'finishedAt', 'time', 'type', 'sha256', 'content', 'seal'],
  ].flat(),
);

export function createRedactor(): Redactor {
  let secrets: readonly string[] = [];
  let found: RegExp | undefined;
  const add = (secret: string): void => {
    if (secret.length < shortestSecret || commonWord.test(secret)) return;
    // The longest first: a secret may be a piece of another one.
    secrets = [...new Set([...secrets, ...formsOf(secret)])].toSorted((a, b) => b.length - a.length);
    found = new RegExp(secrets.map(wholeWord).join('|'), 'gu');
  };
  const redact = (text: string): string => {
    const clean = hidePasswords(text);
    return found === undefined ? clean : clean.replace(found, mask);
  };
  return {
    add: (secret) => {
      if (!isAddress(secret)) return add(secret);
      // An address is not a secret, only the password in it is, wherever it stands.
      for (const [, , password = ''] of secret.matchAll(passwordPlace)) [password, decoded(password)].forEach(add);
      return undefined;
    },
    redact,
    redactJson: (document, space) => {
      // Dates and what else has its own JSON form are strings afterwards.
      const plainDocument: unknown = JSON.parse(JSON.stringify(document));
      return JSON.stringify(mapStrings(plainDocument, redact, false), null, space);
    },
  };
}

function mapStrings(value: unknown, redact: (text: string) => string, exact: boolean): unknown {
  if (typeof value === 'string') return exact ? hideInAddress(value) : redact(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, redact, exact));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, item]) => [key, mapStrings(item, redact, exactMembers.has(key))]);
  return Object.fromEntries(entries);
}

function hidePasswords(text: string): string {
  return text.replace(passwordPlace, `$1:${mask}@`);
}

/** A storage may be an address with a password; a path or a command never is one, whatever stands in it. */
function hideInAddress(text: string): string {
  return isAddress(text) ? hidePasswords(text) : text;
}

/**
 * Not inside a longer word, where it is no secret but a coincidence. An escaped character before it (of JSON, of an
 * address, of `plain`) ends in a letter or a digit and is no part of a word.
 */
function wholeWord(secret: string): string {
  const literal = secret.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  const before = String.raw`(?:(?<![\p{L}\p{N}_])|(?<=\\[bfnrt]|\\u[0-9a-f]{4}|%[0-9A-Fa-f]{2}))`;
  const word = String.raw`[\p{L}\p{N}_]`;
  const starts = new RegExp(`^${word}`, 'u').test(secret);
  const ends = new RegExp(`${word}$`, 'u').test(secret);
  return `${starts ? before : ''}${literal}${ends ? `(?!${word})` : ''}`;
}

function isAddress(text: string): boolean {
  return /^([a-z][a-z0-9+.-]*:\/\/|(sqlite|file):)/i.test(text);
}

/** A secret as it stands in a text, in an address, in JSON and where control characters are shown. */
function formsOf(secret: string): string[] {
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), plain(secret)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A % that stands for itself.
    return text;
  }
}
