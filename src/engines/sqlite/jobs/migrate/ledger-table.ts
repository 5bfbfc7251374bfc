import type Database from 'better-sqlite3';
import { DbopsError } from '../../../../core/errors.ts';
import {
  eventOf,
  ledgerColumns,
  LEDGER_FORMAT,
  type Ledger,
  type LedgerEvent,
} from '../../../../core/migrations/ledger.ts';
import type { LedgerChange } from '../../../../core/ports/migration-target.ts';
import { tableNames } from '../facts.ts';
import { quoteName } from '../quote.ts';
import { explaining, reading, writable } from './connection.ts';
import type { LedgerPlace, RecordInput } from './job.ts';

/** Reads without writing. */
export function readLedger(place: LedgerPlace): Ledger {
  return explaining(place.path, () => reading(place, (db) => ledgerOf(db, place.table)));
}

/** Makes the tables, or completes that of another tool. */
export function prepareLedger(place: LedgerPlace): void {
  explaining(place.path, () => {
    const db = writable(place);
    if (ledgerOf(db, place.table).state === 'present') return;
    db.transaction(() => {
      for (const statement of preparation(db, place.table)) db.exec(statement);
    }).immediate();
  });
}

export function recordEvents({ events, change, ...place }: RecordInput): void {
  explaining(place.path, () => {
    const db = writable(place);
    db.transaction(() => {
      for (const event of events) insertEvent(db, place.table, event);
      applyChange(db, place.table, change);
    }).immediate();
  });
}

export function logOf(table: string): string {
  return `${table}_log`;
}

/** Those that hold people's rows: not the ledger, and not what SQLite keeps for itself. */
export function ownTables(db: Database.Database, table: string): string[] {
  const ledger = new Set([table, logOf(table)].map((name) => name.toLowerCase()));
  return tableNames(db).filter((name) => !name.startsWith('sqlite_') && !ledger.has(name.toLowerCase()));
}

function ledgerOf(db: Database.Database, table: string): Ledger {
  const populated = ownTables(db, table).length > 0;
  const versions = columnsOf(db, table);
  if (versions.length === 0) return { state: 'absent', populated, applied: [], events: [] };
  refuseForeign(versions, table);
  const hasLog = columnsOf(db, logOf(table)).length > 0;
  const isBare = !versions.includes('event') || !hasLog;
  const applied = db
    .prepare<[], { version: unknown; event: string | null }>(
      `SELECT CAST(version AS TEXT) AS version, ${isBare ? 'NULL' : 'event'} AS event FROM ${quoteName(table)} ORDER BY 1`,
    )
    .all();
  return {
    state: isBare ? 'bare' : 'present',
    populated,
    applied: applied.map(({ version, event }) => ({ version: String(version), event })),
    events: hasLog ? readEvents(db, table) : [],
  };
}

export function isApplied(db: Database.Database, table: string, version: string): boolean {
  const sql = `SELECT 1 FROM ${quoteName(table)} WHERE CAST(version AS TEXT) = ?`;
  return db.prepare(sql).get(version) !== undefined;
}

function readEvents(db: Database.Database, table: string): LedgerEvent[] {
  const rows = db
    .prepare<[], Record<string, string | number | null>>(`SELECT * FROM ${quoteName(logOf(table))} ORDER BY seq`)
    .all();
  const newest = Math.max(...rows.map((row) => Number(row['format'])));
  if (newest > LEDGER_FORMAT) {
    throw new DbopsError('MIGRATION_DRIFT', `${logOf(table)} was written by a newer dbops (format ${newest})`, {
      hint: 'Upgrade dbops on this machine.',
    });
  }
  return rows.map(eventOf);
}

function columnsOf(db: Database.Database, table: string): string[] {
  const rows = db.pragma(`table_info(${quoteName(table)})`) as readonly { name: string }[];
  return rows.map(({ name }) => name);
}

function refuseForeign(columns: readonly string[], table: string): void {
  if (columns.includes('version') && !columns.includes('dirty')) return;
  const reason = columns.includes('dirty') ? 'is the ledger of golang-migrate' : 'has no column "version"';
  throw new DbopsError('MIGRATION_DRIFT', `${table} ${reason}`, {
    hint: 'Name another table for the ledger: --table dbops_migrations.',
  });
}

function preparation(db: Database.Database, table: string): string[] {
  const versions = columnsOf(db, table);
  const columns = ledgerColumns.map(([, column, type]) => {
    const rule = column === 'id' ? ' NOT NULL UNIQUE' : '';
    return `${quoteName(column)} ${type === 'number' ? 'INTEGER' : 'TEXT'}${rule}`;
  });
  return [
    ...(versions.length === 0
      ? [`CREATE TABLE ${quoteName(table)} (version TEXT PRIMARY KEY NOT NULL, event TEXT)`]
      : []),
    ...(versions.length > 0 && !versions.includes('event')
      ? [`ALTER TABLE ${quoteName(table)} ADD COLUMN event TEXT`]
      : []),
    `CREATE TABLE IF NOT EXISTS ${quoteName(logOf(table))} (seq INTEGER PRIMARY KEY AUTOINCREMENT, format INTEGER NOT NULL, ${columns.join(', ')})`,
  ];
}

export function insertEvent(db: Database.Database, table: string, event: LedgerEvent): void {
  const columns = ledgerColumns.map(([, column]) => quoteName(column));
  const marks = columns.map(() => '?');
  const sql = `INSERT INTO ${quoteName(logOf(table))} (format, ${columns.join(', ')}) VALUES (${LEDGER_FORMAT}, ${marks.join(', ')})`;
  db.prepare(sql).run(...ledgerColumns.map(([field]) => event[field]));
}

export function applyChange(db: Database.Database, table: string, { add, remove }: LedgerChange): void {
  const drop = db.prepare(`DELETE FROM ${quoteName(table)} WHERE CAST(version AS TEXT) = ?`);
  for (const version of remove) drop.run(version);
  const insert = db.prepare(`INSERT INTO ${quoteName(table)} (version, event) VALUES (?, ?)`);
  for (const { version, event } of add) insert.run(version, event);
}
