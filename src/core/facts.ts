import { z } from 'zod';

const digest = z.string().regex(/^[0-9a-f]{32,64}$/);

const tableFacts = z.object({
  /** As the engine prints it; may hold any character. */
  name: z.string(),
  /** Null when the engine cannot count it, such as a virtual table whose module is missing. */
  rows: z.int().min(0).nullable(),
  /** Order-independent digest of all rows; only when it was asked for. */
  content: digest.optional(),
});

/** What was true of the database in the very snapshot that was dumped. */
export const factsSchema = z.object({
  /** Digest of the definitions of all objects. */
  schema: digest,
  tables: z.array(tableFacts),
  /** Single values that must survive a restore, such as SQLite's `user_version`. Keys are the engine's own terms. */
  properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
});

export type Facts = Readonly<z.infer<typeof factsSchema>>;
export type TableFacts = Readonly<z.infer<typeof tableFacts>>;

/** Facts as far as they can be compared: without a schema where its digest was made in another way. */
export type ComparableFacts = Omit<Facts, 'schema'> & { readonly schema?: string };

/** Compares what a restored copy holds with what the snapshot held; an empty list means equal. */
export function compareFacts(recorded: ComparableFacts, found: Facts): string[] {
  return [
    ...compareSchemas(recorded, found),
    ...compareTables(recorded.tables, found.tables),
    ...Object.entries(recorded.properties)
      .filter(([name, value]) => propertyOf(found, name) !== value)
      .map(([name, value]) => `${name} is ${show(propertyOf(found, name))}, was ${show(value)}`),
  ];
}

/** The definitions alone. */
export function compareSchemas(recorded: Pick<ComparableFacts, 'schema'>, found: Facts): string[] {
  return recorded.schema === undefined || recorded.schema === found.schema
    ? []
    : ['the schema differs from the one that was backed up'];
}

function propertyOf({ properties }: Facts, name: string): Facts['properties'][string] | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined;
}

function show(value: Facts['properties'][string] | undefined): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}

function compareTables(recorded: readonly TableFacts[], found: readonly TableFacts[]): string[] {
  const byName = new Map(found.map((table) => [table.name, table]));
  const known = new Set(recorded.map((table) => table.name));
  return [
    ...recorded.flatMap((table) => compareTable(table, byName.get(table.name))),
    ...found.filter((table) => !known.has(table.name)).map((table) => `table ${quote(table.name)} was not there`),
  ];
}

function compareTable(recorded: TableFacts, found: TableFacts | undefined): string[] {
  const name = quote(recorded.name);
  if (found === undefined) return [`table ${name} is missing`];
  if (recorded.rows !== found.rows) return [`table ${name} has ${count(found.rows)}, had ${count(recorded.rows)}`];
  if (recorded.content !== undefined && recorded.content !== found.content) {
    return [`table ${name} has other content than what was backed up`];
  }
  return [];
}

function quote(name: string): string {
  return JSON.stringify(name);
}

function count(rows: number | null): string {
  return rows === null ? 'no countable rows' : `${rows} ${rows === 1 ? 'row' : 'rows'}`;
}
