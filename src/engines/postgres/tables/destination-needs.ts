import { DbopsError } from '../../../core/errors.ts';
import type { Query } from '../connection/query.ts';
import { quoteLiteral, showName } from '../facts/sql-text.ts';
import { missingRoles, rolesNeeded } from '../restore/preflight.ts';
import type { TableName, TableScript } from './table-script.ts';

/** Where a kind of object stands in the catalogs; `%n` and `%s` stand for the literals of its name and its schema. */
const places: Readonly<Record<string, string>> = {
  SCHEMA: 'pg_namespace WHERE nspname = %n',
  EXTENSION: 'pg_extension WHERE extname = %n',
  SERVER: 'pg_foreign_server WHERE srvname = %n',
  'ACCESS METHOD': 'pg_am WHERE amname = %n',
  'PROCEDURAL LANGUAGE': 'pg_language WHERE lanname = %n',
  ...inSchema('pg_type WHERE typname = %n AND typnamespace', ['TYPE', 'DOMAIN']),
  ...inSchema('pg_proc WHERE proname = %n AND pronamespace', ['FUNCTION', 'PROCEDURE', 'AGGREGATE']),
  ...inSchema('pg_class WHERE relname = %n AND relnamespace', ['TABLE', 'FOREIGN TABLE', 'VIEW', 'SEQUENCE']),
  ...inSchema('pg_class WHERE relname = %n AND relnamespace', ['MATERIALIZED VIEW']),
  ...inSchema('pg_collation WHERE collname = %n AND collnamespace', ['COLLATION']),
};

function inSchema(condition: string, kinds: readonly string[]): Record<string, string> {
  const place = `${condition} IN (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)`;
  return Object.fromEntries(kinds.map((kind) => [kind, place]));
}

/**
 * Finds out before anything is made whether a database has what tables need: schemas, types, functions, other tables.
 * @throws DbopsError REFUSED that names what is missing
 */
export async function refuseMissingNeeds(query: Query, script: TableScript, label: string): Promise<void> {
  const wanted = [...schemasOf(script.tables), ...script.needs.flatMap(wantedOf)];
  const known = new Map(wanted.map((object) => [object.label, object]));
  const checks = [...known.values()].map(
    ({ label: text, condition }, at) =>
      `SELECT ${at} AS at, ${quoteLiteral(text)} AS label WHERE NOT EXISTS (SELECT FROM pg_catalog.${condition})`,
  );
  const rows = await query(`${checks.join(' UNION ALL ')} ORDER BY at`);
  const missing = rows.map((row) => row['label'] ?? '');
  if (missing.length > 0) {
    const rest = missing.length > 10 ? ` and ${missing.length - 10} more` : '';
    throw new DbopsError('REFUSED', `${label} lacks what the tables need: ${missing.slice(0, 10).join(', ')}${rest}`, {
      hint: 'Nothing was changed. Make these first (tables can be named along with --table), or restore the whole backup into another database.',
    });
  }
  if (script.toc !== undefined) await refuseMissingRoles(query, rolesNeeded(script.toc), label);
}

interface Wanted {
  readonly label: string;
  readonly condition: string;
}

function schemasOf(tables: readonly TableName[]): Wanted[] {
  return tables.flatMap(({ schema }) => wantedOf({ desc: 'SCHEMA', namespace: undefined, name: schema }));
}

function wantedOf({
  desc,
  namespace,
  name,
}: Pick<TableScript['needs'][number], 'desc' | 'namespace' | 'name'>): Wanted[] {
  const place = Object.hasOwn(places, desc) ? places[desc] : undefined;
  if (place === undefined) return [];
  const label = `${desc.toLowerCase()} ${namespace === undefined ? name : shown(desc, namespace, name)}`;
  const literals: Record<string, string> = {
    '%n': quoteLiteral(plainName(desc, name)),
    '%s': quoteLiteral(namespace ?? ''),
  };
  return [{ label, condition: place.replaceAll(/%[ns]/g, (mark) => literals[mark] ?? '') }];
}

function shown(desc: string, namespace: string, name: string): string {
  return isRoutine(desc) ? `${namespace}.${name}` : showName(namespace, name);
}

/** A routine's is followed by its arguments, and in quotes where it needs them. */
function plainName(desc: string, name: string): string {
  if (!isRoutine(desc)) return name;
  const quoted = /^"((?:[^"]|"")*)"/.exec(name)?.[1];
  return quoted?.replaceAll('""', '"') ?? name.replace(/\(.*$/s, '');
}

function isRoutine(desc: string): boolean {
  return ['FUNCTION', 'PROCEDURE', 'AGGREGATE'].includes(desc);
}

async function refuseMissingRoles(query: Query, roles: readonly string[], label: string): Promise<void> {
  const missing = await missingRoles(roles, query);
  if (missing.length === 0) return;
  throw new DbopsError('REFUSED', `${label} lacks the roles ${missing.join(', ')}`, {
    hint: 'Nothing was changed. Policies of the tables name them: create them there first.',
  });
}
