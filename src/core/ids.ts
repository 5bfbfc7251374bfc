import { DbopsError } from './errors.ts';

declare const brand: unique symbol;

/** A backup's name: `20261120T020000Z-4f7a2c1e`. Sorts by time as text, but order is always by recorded time. */
export type BackupId = string & { readonly [brand]: 'BackupId' };
/** The name under which backups of one database stand together in a storage: `app`. */
export type TargetName = string & { readonly [brand]: 'TargetName' };
/** A `/`-separated name of an object in a storage. Never absolute, never with `..`, never hidden. */
export type ObjectKey = string & { readonly [brand]: 'ObjectKey' };

const idPattern = /^\d{8}T\d{6}Z-[0-9a-f]{8}$/;
// No dot at the end: file systems that drop it would make two names one.
const targetPattern = /^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9_-])?$/;
const segmentPattern = /^[A-Za-z0-9_+=](?:[A-Za-z0-9._+=-]{0,198}[A-Za-z0-9_+=-])?$/;
const longestKey = 900;

/** Makes an id from a time and four random bytes, so that two backups in one second still differ. */
export function createBackupId(now: Date, random: Uint8Array): BackupId {
  const suffix = [...random.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${compactTime(now)}-${suffix}` as BackupId;
}

/** `20261120T020000Z`: a UTC time fit for names. */
export function compactTime(time: Date): string {
  return time.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
}

export function isBackupId(text: string): text is BackupId {
  return idPattern.test(text);
}

export function isTargetName(text: string): text is TargetName {
  return targetPattern.test(text) && !text.includes('..');
}

/** @throws DbopsError USAGE when the text is not usable as a target's name. */
export function parseTargetName(text: string): TargetName {
  if (isTargetName(text)) return text;
  throw new DbopsError('USAGE', `${JSON.stringify(text)} cannot name a target`, {
    hint: 'Use 1 to 63 lower-case letters, digits, dots, dashes or underscores, starting with a letter or digit.',
  });
}

/** Turns any file or database name into a target's name: `My App.db` gives `my-app`. */
export function deriveTargetName(name: string): TargetName {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\.(db|db3|sqlite|sqlite3|s3db)$/, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
    .slice(0, 63)
    .replace(/\.$/, '');
  return (plain === '' ? 'database' : plain) as TargetName;
}

export function isObjectKey(text: string): text is ObjectKey {
  return text.length <= longestKey && text.split('/').every((segment) => segmentPattern.test(segment));
}

/**
 * The only way to a key: manifests and listings are input from outside, and a name such as `../x` must never reach a
 * storage.
 * @throws DbopsError DAMAGED
 */
export function parseObjectKey(text: string): ObjectKey {
  if (isObjectKey(text)) return text;
  throw new DbopsError('DAMAGED', `${JSON.stringify(text.slice(0, 200))} is not a safe object name`, {
    hint: 'The storage or a manifest in it was changed by something other than dbops; do not trust this backup.',
  });
}

/** Joins a prefix (may be empty) and a name. */
export function keyIn(prefix: string, name: string): ObjectKey {
  return parseObjectKey(prefix === '' ? name : `${prefix}/${name}`);
}
