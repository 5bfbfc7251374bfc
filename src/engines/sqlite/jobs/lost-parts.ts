import type Database from 'better-sqlite3';

/** A warning that names what the present table has and the one in `backup` has not; overwriting drops it. */
export function lostParts(db: Database.Database, backup: string, table: string): string[] {
  const lost = db
    .prepare<[{ table: string }], { type: string; name: string }>(
      `SELECT 'column' AS type, name FROM pragma_table_xinfo(@table, 'main') WHERE hidden <> 1
         AND name COLLATE NOCASE NOT IN (SELECT name FROM pragma_table_xinfo(@table, '${backup}'))
       UNION ALL
       SELECT type, name FROM main.sqlite_schema AS present
       WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name = @table COLLATE NOCASE
         AND name COLLATE NOCASE NOT IN (SELECT name FROM ${backup}.sqlite_schema WHERE type = present.type)`,
    )
    .all({ table });
  if (lost.length === 0) return [];
  const names = lost.map(({ type, name }) => `${type} ${JSON.stringify(name)}`).join(', ');
  return [`table ${JSON.stringify(table)} of the backup lacks ${names}, which only the kept copy still has`];
}
