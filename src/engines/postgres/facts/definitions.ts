import type { Query } from '../connection/query.ts';
import { definitionQueries } from './definition-queries.ts';
import type { ResolvedSelection } from './resolved-selection.ts';
import { inSavepoint } from './savepoint.ts';
import { none, sha256, summary } from './sql-text.ts';
import type { Task } from './tasks.ts';

export interface Definitions {
  /** Digest over all kinds that compare between versions of the server. */
  readonly schema: string;
  /** `definitions of indexes` → how many there are and a digest of them. */
  readonly properties: Readonly<Record<string, string>>;
}

/**
 * The work of digesting the definitions of all objects, by kind, without what a restore sets anew or by choice: ids,
 * owners, rights, tablespaces, members of extensions. What the server prints from a parsed query (views, rules, bodies
 * of SQL functions) reads differently in another major version: those texts have properties that end in `as PostgreSQL
 * 15 prints them`, which `comparableOn` removes, and are no part of `schema`.
 */
export function planDefinitions(
  selection: ResolvedSelection,
  version: number,
): { readonly tasks: readonly Task[]; finish: () => Definitions } {
  const found = new Map<string, string>();
  const kinds = definitionQueries(selection, version);
  const tasks = kinds.map(({ name, sql }): Task => async (query) => {
    found.set(name, await inSavepoint(query, () => digestLines(query, sql)));
  });
  return { tasks, finish: () => conclude(kinds, found, Math.floor(version / 10_000)) };
}

async function digestLines(query: Query, sql: string): Promise<string> {
  // `json` is a keyword of newer versions, which quote it in other places. Bytes as the database has them: a conversion could fail where names are in no known encoding.
  const [row] = await query(`
    SELECT count(*)::text AS lines, encode(sha256(convert_to(coalesce(
      string_agg(line, E'\\n' ORDER BY line COLLATE "C"), ''), getdatabaseencoding())), 'hex') AS digest
    FROM (SELECT replace(line, '\\"json\\"', 'json') FROM (${sql}) printed (line)) found (line)`);
  return summary(Number(row?.['lines'] ?? 0), row?.['digest'] ?? '');
}

function conclude(
  kinds: readonly { readonly name: string; readonly printed: boolean }[],
  found: ReadonlyMap<string, string>,
  major: number,
): Definitions {
  const stable = kinds.filter(({ printed }) => !printed).map(({ name }) => [name, found.get(name)]);
  // What there is none of would be thirty lines in every manifest; `schema` tells if it appears.
  const present = kinds.filter(({ name }) => found.get(name) !== none);
  const properties = present.map(({ name, printed }) => [
    printed ? `${name} as PostgreSQL ${major} prints them` : `definitions of ${name}`,
    found.get(name) ?? '',
  ]);
  return {
    schema: sha256(JSON.stringify(stable)),
    properties: Object.fromEntries(properties) as Record<string, string>,
  };
}
