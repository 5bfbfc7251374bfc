import { DbopsError } from '../../../core/errors.ts';
import type { Toc } from '../archive/toc.ts';
import type { Query } from '../connection/query.ts';
import { quoteIdentifier } from '../facts/sql-text.ts';
import type { OpenedDump } from './dump-content.ts';
import type { DatabaseForm } from './side-database.ts';

/**
 * How the dumped database was made: from the archive's own entry for it, else from what was recorded beside the dump, else
 * from what a script says of its encoding.
 */
export function formOfDump(
  { toc, content }: OpenedDump,
  recorded: Readonly<Record<string, unknown>> = {},
): DatabaseForm {
  if (toc !== undefined) return formOf(toc);
  const form = formInSettings(recorded);
  if (form.encoding !== undefined) return form;
  const encoding = content.type === 'script' ? content.encoding : undefined;
  if (encoding === undefined || encoding === 'UTF8') return {};
  // A locale of the server's would be of another encoding.
  return { encoding, collate: 'C', ctype: 'C' };
}

/** As `readEnvironment` names them. */
function formInSettings(recorded: Readonly<Record<string, unknown>>): DatabaseForm {
  const text = (name: string): string | undefined => {
    const value = recorded[name];
    return typeof value === 'string' ? value : undefined;
  };
  const [encoding, collate, ctype, locale] = [text('encoding'), text('collate'), text('ctype'), text('locale')];
  const provider = { c: 'libc', i: 'icu', b: 'builtin' }[text('localeProvider') ?? ''];
  return {
    ...(encoding === undefined ? {} : { encoding }),
    ...(provider === undefined ? {} : { provider }),
    ...(collate === undefined ? {} : { collate }),
    ...(ctype === undefined ? {} : { ctype }),
    ...(locale === undefined ? {} : { locale }),
  };
}

export function formOf(toc: Toc | undefined): DatabaseForm {
  if (toc === undefined) return {};
  const statement = toc.entries.find(({ desc }) => desc === 'DATABASE')?.definition ?? '';
  const encoding = /client_encoding = '([A-Za-z0-9_]{1,40})'/.exec(definitionOf(toc, 'ENCODING'))?.[1];
  const literal = (word: string): string | undefined =>
    new RegExp(` ${word} = '((?:[^']|'')*)'`).exec(statement)?.[1]?.replaceAll("''", "'");
  const provider = / LOCALE_PROVIDER = (libc|icu|builtin)\b/.exec(statement)?.[1];
  const locale = literal('ICU_LOCALE') ?? literal('BUILTIN_LOCALE') ?? literal('LOCALE');
  const [collate, ctype] = [literal('LC_COLLATE'), literal('LC_CTYPE')];
  return {
    ...(encoding === undefined ? {} : { encoding }),
    ...(provider === undefined ? {} : { provider }),
    ...(locale === undefined ? {} : { locale }),
    ...(collate === undefined ? {} : { collate }),
    ...(ctype === undefined ? {} : { ctype }),
  };
}

function definitionOf({ entries }: Toc, kind: string): string {
  return entries.find(({ desc }) => desc === kind)?.definition ?? '';
}

/** Extensions of an archive that a server cannot create. */
export async function missingExtensions(toc: Toc, query: Query): Promise<string[]> {
  const wanted = toc.entries.filter(({ desc }) => desc === 'EXTENSION').map(({ tag }) => tag);
  if (wanted.length === 0) return [];
  const rows = await query('SELECT name FROM pg_catalog.pg_available_extensions');
  const available = new Set(rows.map(({ name }) => name));
  return wanted.filter((name) => !available.has(name));
}

/** Roles that an archive names and a server does not have. */
export async function missingRoles(roles: readonly string[], query: Query): Promise<string[]> {
  const rows = await query('SELECT rolname AS name FROM pg_catalog.pg_roles');
  const there = new Set(rows.map(({ name }) => name));
  return roles.filter((role) => !there.has(role));
}

// As pg_dump writes it. What stands behind the roles may hold any words.
const name = '(?:"(?:[^"]|"")*"|[^\\s",.;]+)';
const policyRoles = new RegExp(
  `^\\s*CREATE POLICY ${name} ON ${name}(?:\\.${name})?(?: AS [A-Z]+)?(?: FOR [A-Z]+)? TO (${name}(?:, ${name})*)`,
);

/** Roles without which statements fail even where owners and grants are left out: those of policies and mappings. */
export function rolesNeeded({ entries }: Toc): string[] {
  const inPolicies = entries
    .filter(({ desc }) => desc === 'POLICY')
    .flatMap(({ definition }) => policyRoles.exec(definition)?.[1] ?? [])
    .flatMap(splitNames);
  const mapped = entries
    .filter(({ desc }) => desc === 'USER MAPPING')
    .flatMap(({ tag }) => /^USER MAPPING (.*) SERVER /s.exec(tag)?.[1] ?? []);
  return distinct([...inPolicies, ...mapped]);
}

/** Roles that own something or were given something. */
export function rolesMentioned({ entries }: Toc): string[] {
  const owners = entries.flatMap(({ owner }) => (owner === undefined || owner === '' ? [] : [owner]));
  const grantees = entries
    .filter(({ desc }) => desc === 'ACL' || desc === 'DEFAULT ACL')
    .flatMap(({ definition }) => [...definition.matchAll(/ (?:TO|FROM|FOR ROLE) ("(?:[^"]|"")*"|[a-z_][a-z0-9_$]*)/g)])
    .flatMap(([, name]) => (name === undefined ? [] : splitNames(name)));
  return distinct([...owners, ...grantees]);
}

function splitNames(list: string): string[] {
  const names = list.match(/"(?:[^"]|"")*"|[^\s,]+/g) ?? [];
  return names.map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name));
}

const everybody = new Set(['PUBLIC', 'public', 'CURRENT_USER', 'SESSION_USER', 'CURRENT_ROLE']);

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => !everybody.has(name) && !name.startsWith('pg_'));
}

/** Makes roles that can do nothing, so that a throw-away server accepts statements that name them. */
export async function createStandIns(roles: readonly string[], query: Query): Promise<void> {
  for (const role of roles) await query(`CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`);
}

export function standInWarning(roles: readonly string[]): string[] {
  if (roles.length === 0) return [];
  return [`roles that the test server does not have were stood in for: ${roles.join(', ')}`];
}

/** @throws DbopsError TOOL_MISSING */
export function refuseMissingExtensions(missing: readonly string[], where: string): void {
  if (missing.length === 0) return;
  throw new DbopsError(
    'TOOL_MISSING',
    `${where} lacks the extensions ${missing.map((name) => JSON.stringify(name)).join(', ')}`,
    {
      hint: 'Nothing was changed. Install the packages of these extensions on that server, or use a server that has them (--scratch-url for tests).',
    },
  );
}

/**
 * A dump is made for the version of the server it comes from, and newer ones.
 * @throws DbopsError REFUSED
 */
export function refuseOlderServer(toc: Toc | undefined, serverMajor: number, where: string): void {
  const dumped = majorOf(toc?.header.dumpVersion);
  if (dumped === undefined || dumped <= serverMajor) return;
  throw new DbopsError('REFUSED', `${where} is PostgreSQL ${serverMajor}, and the dump was made by pg_dump ${dumped}`, {
    hint: `Restore it into PostgreSQL ${dumped} or newer; an older server does not understand all of it.`,
  });
}

export function majorOf(version: string | undefined): number | undefined {
  const major = /^(\d{1,3})/.exec(version ?? '')?.[1];
  return major === undefined ? undefined : Number(major);
}
