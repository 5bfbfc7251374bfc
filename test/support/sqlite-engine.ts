import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import Database from 'better-sqlite3';
import type { Facts, TableFacts } from '../../src/core/facts.ts';
import type { FactLevel } from '../../src/core/levels.ts';
import type {
  Check,
  DatabaseAddress,
  Dump,
  Examination,
  PartSource,
  TableRestoreResult,
} from '../../src/core/ports/engine.ts';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import { openDump } from './open-dump.ts';
import { temporaryFolder } from './temporary-folder.ts';

export const never = new AbortController().signal;

export function addressOf(location: string, lockTimeoutMs = 500): DatabaseAddress {
  return { location, lockTimeoutMs };
}

/** A file as the decoded part of a backup. */
export function partOf(file: string): PartSource {
  return {
    parts: [{ name: basename(file), decodedName: basename(file), bytes: undefined }],
    open: () => Promise.resolve(createReadStream(file)),
  };
}

export async function newScratch(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  return mkdtemp(join(folder, 'scratch-'));
}

export interface Backup {
  readonly file: string;
  readonly found: Examination;
}

/** Dumps a database into a file of its own, as a storage would keep it. */
export async function backUp(
  source: string,
  folder: string,
  { facts = 'content', onProgress = () => undefined }: { facts?: FactLevel; onProgress?: () => void } = {},
): Promise<Backup> {
  const scratch = await newScratch(folder);
  await using dump = await openDump(sqliteEngine, addressOf(source), { scratch, facts, onProgress, signal: never });
  const file = join(scratch, 'stored.db');
  await storePart(dump, file);
  return { file, found: await dump.finish() };
}

async function storePart({ parts }: Dump, file: string): Promise<void> {
  const [part] = parts;
  if (part?.source.type !== 'file') throw new Error('the dump has no file');
  await pipeline(createReadStream(part.source.path), createWriteStream(file, { flags: 'wx' }));
}

/** Stages a copy of the file and examines it, as `verify --level restore` does. */
export async function examineCopy(file: string, folder: string, checks: readonly Check[] = []): Promise<Examination> {
  const scratch = await newScratch(folder);
  await using staging = await sqliteEngine.stage(partOf(file), undefined, {
    scratch,
    signal: never,
    onProgress: () => undefined,
  });
  return await staging.examine({ facts: 'content', checks, signal: never });
}

export const stamp = '20261120T020000Z';

/** Makes a database file from SQL. */
export function makeDatabase(file: string, sql: string): string {
  const db = new Database(file);
  db.exec(sql);
  db.close();
  return file;
}

/** A database to restore from, which may be changed into something odd, and one to restore into. */
export async function makePair(
  from: string,
  there: string,
  change?: (db: Database.Database) => void,
): Promise<{ folder: string; source: string; into: string }> {
  const folder = await temporaryFolder();
  const source = makeDatabase(join(folder, 'source.db'), from);
  const into = makeDatabase(join(folder, 'into.db'), there);
  const db = new Database(source);
  change?.(db);
  db.close();
  return { folder, source, into };
}

/** All rows of one query. */
export function query(file: string, sql: string): unknown[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(sql).raw().safeIntegers().all();
  } finally {
    db.close();
  }
}

export function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Restores tables out of the file, as `restore --table` does. */
export async function bringTables(
  file: string,
  into: string,
  tables: readonly string[],
  overwrite = false,
): Promise<TableRestoreResult> {
  const scratch = await newScratch(dirname(into));
  try {
    const request = { tables, overwrite, scratch, stamp, signal: never };
    return await sqliteEngine.restoreTables(partOf(file), addressOf(into), request);
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** Writes tables of the file as SQL, as `restore --as-sql` does. */
export async function writeScript(file: string, tables: readonly string[], script: string): Promise<string> {
  const request = { tables, scratch: await newScratch(dirname(script)), comments: ['from\na test'], signal: never };
  await sqliteEngine.exportTables(partOf(file), script, request);
  return readFile(script, 'utf8');
}

export function factsOf({ facts, problems }: Examination): Facts {
  if (facts === undefined) throw new Error(`no facts: ${problems.join('; ')}`);
  return facts;
}

/** Facts of one table by its name. */
export function tableOf({ facts }: Examination, name: string): TableFacts | undefined {
  return facts?.tables.find((table) => table.name === name);
}
