import type { TableFacts } from '../../../core/facts.ts';
import type { FactLevel } from '../../../core/levels.ts';
import type { Query, Row } from '../connection/query.ts';
import type { Relation } from './relations.ts';
import { rowDigests } from './row-digest.ts';
import { inSavepoint } from './savepoint.ts';
import { oidArray, quoteIdentifier, showName } from './sql-text.ts';
import type { Task } from './tasks.ts';

/** How the tables of a selection are to be read. */
export interface Reading {
  readonly level: FactLevel;
  readonly version: number;
  readonly isStandby: boolean;
  /** How many sessions will share the work. */
  readonly sessions: number;
}

/** Rows, and the sum of their digests, of one table so far. */
interface Tally {
  readonly name: string;
  readonly foreign: boolean;
  rows: bigint;
  sum: bigint;
}

interface Piece {
  readonly tally: Tally;
  readonly sql: string;
  readonly bytes: number;
}

/**
 * The work of counting, or digesting, all tables, biggest pieces first, and what they amount to when that is done. Foreign
 * tables are not read. A table whose rows are not in the dump counts as empty, as it is in every copy: this is so for
 * excluded data, and for unlogged tables of a standby.
 */
export async function planTables(
  query: Query,
  relations: readonly Relation[],
  reading: Reading,
): Promise<{ readonly tasks: readonly Task[]; finish: () => TableFacts[] }> {
  const roots = await readWanderingRoots(query);
  const nameOf = (relation: Relation): string => roots.get(relation.oid) ?? showName(relation.schema, relation.name);
  const listed = relations.filter(({ kind }) => kind === 'r' || kind === 'f');
  const tallies = new Map(listed.map((relation) => [nameOf(relation), newTally(nameOf(relation), relation)]));
  const read = listed.filter((relation) => isRead(relation, reading.isStandby));
  const digests =
    reading.level === 'content' ? await rowDigests(query, oidArray(read.map(({ oid }) => oid))) : undefined;
  const blockBytes = Number((await query('SHOW block_size'))[0]?.['block_size'] ?? 8192);
  const pieces = read.flatMap((relation) => {
    const tally = tallies.get(nameOf(relation));
    return tally === undefined ? [] : piecesOf(relation, tally, digests?.get(relation.oid), { ...reading, blockBytes });
  });
  return {
    tasks: batches(pieces).map((batch) => (session) => runBatch(session, batch)),
    finish: () => [...tallies.values()].map((tally) => factsOf(tally, reading.level)),
  };
}

/** Unlogged tables that a standby cannot show. */
function isRead(relation: Relation, isStandby: boolean): boolean {
  return relation.kind === 'r' && relation.hasData && !(relation.unlogged && isStandby);
}

/**
 * Rows of tables that are partitioned by the hash of an enum, which is made from ids of its labels, come to lie in other
 * partitions of a copy, and pg_dump lets them: such a table is counted as one, by its root. Gives the root's name for each
 * of its leaves.
 */
async function readWanderingRoots(query: Query): Promise<Map<string, string>> {
  const rows = await query(`
    SELECT t.relid::oid AS leaf, n.nspname AS schema, c.relname AS name
    FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
      LATERAL pg_partition_tree(p.partrelid) t
    WHERE p.partstrat = 'h' AND t.isleaf
      AND EXISTS (SELECT FROM pg_opclass o WHERE o.oid = ANY (p.partclass) AND o.opcname = 'enum_ops')
    ORDER BY t.level`);
  return new Map(rows.map((row) => [row['leaf'] ?? '', showName(row['schema'] ?? '', row['name'] ?? '')]));
}

function newTally(name: string, relation: Relation): Tally {
  return { name, foreign: relation.kind === 'f', rows: 0n, sum: 0n };
}

const pieceBytes = 128 * 1024 * 1024;
// Ranges of rows' places are read without the rest of the table since PostgreSQL 14.
const rangeVersion = 140_000;

/** A big table is read in several ranges, so that it does not keep one session busy while the others are idle. */
function piecesOf(
  { schema, name, bytes, condition }: Relation,
  tally: Tally,
  digest: string | undefined,
  reading: Reading & { readonly blockBytes: number },
): Piece[] {
  const from = `FROM ONLY ${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
  const sum = digest === undefined ? '0' : `coalesce(pg_catalog.sum(${digest}), 0)`;
  const select = (where: string): string => `SELECT pg_catalog.count(*)::text, ${sum}::text ${from} ${where}`;
  const splits = reading.sessions > 1 && reading.version >= rangeVersion && condition === undefined;
  const count = splits ? Math.max(1, Math.floor(bytes / pieceBytes)) : 1;
  if (count === 1) return [{ tally, sql: select(condition ?? ''), bytes }];
  const step = Math.ceil(bytes / reading.blockBytes / count);
  return Array.from({ length: count }, (_, index) => {
    const above = `ctid >= '(${index * step},0)'::pg_catalog.tid`;
    // The last range is open: the table may have grown since its size was read.
    const below = index + 1 === count ? '' : ` AND ctid < '(${(index + 1) * step},0)'::pg_catalog.tid`;
    return { tally, sql: select(`WHERE ${above}${below}`), bytes: bytes / count };
  });
}

const batchBytes = 16 * 1024 * 1024;
const batchLength = 200_000;
const batchSize = 100;

/** Small tables share a statement, because each statement is a round trip. */
function batches(pieces: readonly Piece[]): Piece[][] {
  const found: Piece[][] = [];
  let room = { bytes: 0, length: 0 };
  for (const piece of pieces.toSorted((a, b) => b.bytes - a.bytes)) {
    const batch = found.at(-1);
    room = { bytes: room.bytes - piece.bytes, length: room.length - piece.sql.length };
    if (batch !== undefined && batch.length < batchSize && room.bytes >= 0 && room.length >= 0) batch.push(piece);
    else {
      found.push([piece]);
      room = { bytes: batchBytes - piece.bytes, length: batchLength - piece.sql.length };
    }
  }
  return found;
}

async function runBatch(query: Query, batch: readonly Piece[]): Promise<void> {
  const parts = batch.map(({ sql }, index) => `SELECT ${index}, part.* FROM (${sql}) part (n, s)`);
  const sql = `SELECT * FROM (${parts.join('\nUNION ALL ')}) found (i, n, s)`;
  const rows = await inSavepoint(query, () => query(sql));
  for (const row of rows) add(batch, row);
}

function add(batch: readonly Piece[], row: Row): void {
  const tally = batch[Number(row['i'])]?.tally;
  if (tally === undefined) return;
  tally.rows += BigInt(row['n'] ?? 0);
  tally.sum += BigInt(row['s'] ?? 0);
}

function factsOf({ name, foreign, rows, sum }: Tally, level: FactLevel): TableFacts {
  if (foreign) return { name, rows: null };
  if (level === 'rows') return { name, rows: Number(rows) };
  return { name, rows: Number(rows), content: BigInt.asUintN(128, sum).toString(16).padStart(32, '0') };
}
