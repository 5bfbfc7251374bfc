import type Database from 'better-sqlite3';
import { messageOf } from '../../../core/errors.ts';
import { isForeign } from './facts.ts';
import { quoteName } from './quote.ts';

/**
 * Rebuilds the full-text indexes whose content is this table: they are parts of it, and would go on answering from rows
 * that are gone.
 */
export function rebuildSearchIndexes(db: Database.Database, table: string, warnings: string[]): void {
  const indexes = db
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND sql LIKE 'CREATE VIRTUAL TABLE%'",
    )
    .all()
    .filter(({ sql }) => contentTableOf(sql) === table.toLowerCase());
  for (const { name } of indexes) {
    try {
      rebuildSearchIndex(db, name);
    } catch (error) {
      if (!isForeign(error)) throw error;
      warnings.push(`the search index ${JSON.stringify(name)} is out of date; rebuild it: ${messageOf(error)}`);
    }
  }
}

export function rebuildSearchIndex(db: Database.Database, name: string): void {
  db.prepare(`INSERT INTO main.${quoteName(name)}(${quoteName(name)}) VALUES ('rebuild')`).run();
}

/** The table that holds the content of a full-text index, in lower case; empty when the index keeps no content. */
export function contentTableOf(sql: string): string | undefined {
  const [, options] = /\busing\s+fts[345]\s*\((.*)\)/is.exec(sql) ?? [];
  const [, quoted] =
    /\bcontent\s*=\s*('(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|\[[^\]]*\]|[\w$]+)/i.exec(options ?? '') ?? [];
  if (quoted === undefined) return undefined;
  const quote = quoted.charAt(0);
  const bare = /['"`[]/.test(quote) ? quoted.slice(1, -1).replaceAll(quote + quote, quote) : quoted;
  return bare.toLowerCase();
}
