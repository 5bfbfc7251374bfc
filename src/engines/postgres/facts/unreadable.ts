import { DbopsError } from '../../../core/errors.ts';
import type { Query } from '../connection/query.ts';
import type { Relation } from './relations.ts';
import { type ResolvedSelection, resolveSelection } from './resolved-selection.ts';
import type { Selection } from './selection.ts';
import { oidArray, readVersion, showIdentifier, showName } from './sql-text.ts';

export type UnreadableReason = 'schema' | 'table' | 'sequence' | 'row security' | 'large object';

/** What keeps a dump from being whole; reasons without a case are left out. */
export interface Unreadable {
  readonly reason: UnreadableReason;
  readonly total: number;
  /** The first of them by name; large objects by id. */
  readonly names: readonly string[];
}

/**
 * Finds everything in the selection that the role of the session cannot read, or of which it would be shown a part only.
 * Empty when a dump will be whole.
 */
export async function findUnreadable(query: Query, selection?: Selection): Promise<Unreadable[]> {
  const resolved = await resolveSelection(query, selection);
  const byOid = new Map(resolved.relations.map((relation) => [relation.oid, relation]));
  const rows = await query(relationsQuery(resolved));
  const found: Record<UnreadableReason, string[]> = {
    schema: [],
    table: [],
    sequence: [],
    'row security': [],
    'large object': [],
  };
  for (const { reason, oid } of rows) {
    const relation = byOid.get(oid ?? '');
    if (relation === undefined || !isReason(reason)) continue;
    found[reason].push(
      reason === 'schema' ? showIdentifier(relation.schema) : showName(relation.schema, relation.name),
    );
  }
  if (resolved.largeObjects) found['large object'] = await findLargeObjects(query);
  return Object.entries(found).flatMap(([reason, names]) => toUnreadable(reason as UnreadableReason, names));
}

/** Throws SOURCE_REFUSED when the role cannot see all that was asked for: a smaller dump would look like a whole one. */
export function refuseIncompleteSight(found: readonly Unreadable[]): void {
  if (found.length === 0) return;
  const needsBypass = found.some(({ reason }) => reason === 'row security');
  const needsGrant = found.some(({ reason }) => reason === 'schema' || reason === 'table' || reason === 'sequence');
  const needsOwner = found.some(({ reason }) => reason === 'large object');
  const hints = [
    ...(needsGrant ? ['As a superuser: GRANT pg_read_all_data TO <the role> (PostgreSQL 14 and newer).'] : []),
    ...(needsBypass ? ['As a superuser: ALTER ROLE <the role> BYPASSRLS.'] : []),
    ...(needsOwner ? ['Grant SELECT ON LARGE OBJECT for each, or leave them out with --no-blobs.'] : []),
    'Or leave out on purpose what the role shall not see, with --exclude-table or --exclude-schema.',
  ];
  throw new DbopsError('SOURCE_REFUSED', `the role cannot read all of the database: ${found.map(inWords).join('; ')}`, {
    hint: hints.join(' '),
  });
}

const shownNames = 1_000;
const namesInMessage = 5;

function toUnreadable(reason: UnreadableReason, names: readonly string[]): Unreadable[] {
  const distinct = [...new Set(names)];
  return distinct.length === 0 ? [] : [{ reason, total: distinct.length, names: distinct.slice(0, shownNames) }];
}

function inWords({ reason, total, names }: Unreadable): string {
  const words: Record<UnreadableReason, string> = {
    schema: 'no USAGE on schema',
    table: 'no SELECT on table',
    sequence: 'no SELECT on sequence',
    'row security': 'row security hides rows of table',
    'large object': 'no SELECT on large object',
  };
  const more = total > namesInMessage ? ` and ${total - namesInMessage} more` : '';
  return `${words[reason]} ${names.slice(0, namesInMessage).join(', ')}${more}`;
}

function isReason(text: string | null | undefined): text is UnreadableReason {
  return text === 'schema' || text === 'table' || text === 'sequence' || text === 'row security';
}

/** A dump locks every table, which takes the right to read it, also where it leaves the rows out. */
function relationsQuery({ relations }: ResolvedSelection): string {
  const oids = (wanted: (relation: Relation) => boolean): string =>
    oidArray(relations.filter(wanted).map(({ oid }) => oid));
  const tables = oids(({ kind }) => kind === 'r' || kind === 'p');
  const sequences = oids(({ kind }) => kind === 'S');
  const withRows = oids(({ kind, hasData }) => kind === 'r' && hasData);
  return `
    SELECT 'schema' AS reason, c.oid FROM pg_class c
    WHERE c.oid = ANY (${tables} || ${sequences}) AND NOT has_schema_privilege(c.relnamespace, 'USAGE')
    UNION ALL SELECT 'table', oid FROM unnest(${tables}) oid WHERE NOT has_table_privilege(oid, 'SELECT')
    UNION ALL SELECT 'sequence', oid FROM unnest(${sequences}) oid WHERE NOT has_sequence_privilege(oid, 'SELECT')
    UNION ALL SELECT 'row security', c.oid FROM pg_class c
    WHERE c.oid = ANY (${withRows}) AND c.relrowsecurity AND row_security_active(c.oid)`;
}

async function findLargeObjects(query: Query): Promise<string[]> {
  // The server has a function for this since PostgreSQL 18.
  const granted =
    (await readVersion(query)) >= 180_000
      ? "has_largeobject_privilege(m.oid, 'SELECT')"
      : `EXISTS (
          SELECT FROM aclexplode(coalesce(m.lomacl, acldefault('L', m.lomowner))) a
          WHERE a.privilege_type = 'SELECT' AND (a.grantee = 0 OR pg_has_role(a.grantee, 'USAGE')))`;
  const rows = await query(`
    SELECT m.oid FROM pg_largeobject_metadata m
    WHERE NOT current_setting('lo_compat_privileges')::boolean
      AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AND NOT ${granted}
    ORDER BY m.oid`);
  return rows.map((row) => row['oid'] ?? '');
}
