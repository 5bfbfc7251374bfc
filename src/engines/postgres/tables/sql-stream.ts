import { Readable } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import { readCopy } from '../../../core/sql/copy-statement.ts';
import { formatName } from '../../../core/sql/names.ts';
import { tokensOf } from '../../../core/sql/tokens.ts';
import { guardScript } from '../script/guard.ts';
import { RowCounts } from '../script/row-counts.ts';
import { subjectOf } from '../script/subject.ts';
import type { TableName } from './table-script.ts';

/** SQL on its way, and what was seen of it; whole when the stream has ended. */
export interface WatchedSql {
  readonly stream: Readable;
  /** Rows by table, as SQL writes its name; for INSERTs, their number. */
  rows(): ReadonlyMap<string, number>;
  /** Tables that were filled by COPY alone: their rows are known exactly. */
  copied(): ReadonlySet<string>;
  /** By partition, its table. */
  parents(): ReadonlyMap<string, string>;
}

export interface WatchOptions {
  /** Statements that come after all others. */
  readonly attachments?: readonly string[];
  /** The only tables that may be filled. */
  readonly tables?: readonly TableName[] | undefined;
}

/**
 * Lets only SQL through that a dump may hold. psql runs it in a transaction of ours, where locks are waited for as long as
 * we say: dumps begin by lifting every limit, one of which older servers do not know.
 */
export function watchSql(source: Readable, { attachments = [], tables }: WatchOptions = {}): WatchedSql {
  const watch = new Watch();
  const rules = { allowMeta: false, allowConnect: false, withinTransaction: true };
  const guard = guardScript({ ...rules, watch });
  source.once('error', (error) => guard.destroy(error));
  guard.once('close', () => source.destroy());
  // A dump ends with its own end, so that these are a script of their own.
  const last = Readable.from(attachments.map((statement) => Buffer.from(`${statement}\n`))).pipe(guardScript(rules));
  return {
    stream: Readable.from(joined(onlyOf(tables, watch, withoutLimits(source.pipe(guard))), last), {
      objectMode: false,
      highWaterMark: 1 << 18,
    }),
    rows: () => new Map(watch.counts.list().map(({ name, rows }) => [name, rows])),
    copied: () => watch.copied,
    parents: () => watch.parents,
  };
}

class Watch {
  readonly counts = new RowCounts();
  readonly copied = new Set<string>();
  readonly parents = new Map<string, string>();

  statement = (head: Buffer): void => {
    this.counts.statement(head);
    const word = head.toString('latin1', 0, 5).toLowerCase();
    if (word.startsWith('copy')) {
      const table = readCopy(head)?.table;
      if (table !== undefined) this.copied.add(formatName(table));
    } else if (word === 'alter') {
      const { table, part } = subjectOf(tokensOf(head, 40));
      if (table !== undefined && part !== undefined) this.parents.set(formatName(part), formatName(table));
    }
  };

  data = (_bytes: Buffer, rows: number): void => this.counts.data(rows);
}

/** The rows of a partition can be stored as rows of the whole table, and a server would spread them over the others. */
async function* onlyOf(
  tables: readonly TableName[] | undefined,
  watch: Watch,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  yield* source;
  const allowed = tables?.map(({ schema, name }) => formatName([schema, name]));
  const other = watch.counts.list().find(({ name }) => allowed?.includes(name) === false);
  if (other !== undefined) throw storedElsewhere(other.name);
}

/** Of a partition whose rows the backup has as rows of another table. */
export function storedElsewhere(table: string): DbopsError {
  return new DbopsError('REFUSED', `the rows of a partition are stored as rows of ${table}`, {
    hint: `Nothing was changed. Restore ${table} as a whole.`,
  });
}

async function* joined(...sources: readonly AsyncIterable<Buffer>[]): AsyncGenerator<Buffer> {
  for (const source of sources) yield* source;
}

const headBytes = 16_384;

async function* withoutLimits(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0);
  for await (const chunk of source) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < headBytes) continue;
    yield liftNoLimits(head);
    head = undefined;
  }
  if (head !== undefined) yield liftNoLimits(head);
}

/** Up to the first line that is more than a comment or a setting. */
function liftNoLimits(head: Buffer): Buffer {
  const text = head.toString('latin1');
  const [settings = ''] = /^(?:(?:--.*|SET [^;\n]*;|SELECT pg_catalog\.set_config\([^;\n]*;)?\r?\n)*/.exec(text) ?? [];
  const kept = settings.replaceAll(/^SET (?:lock_timeout|transaction_timeout|idle_session_timeout) = [^;\n]*;/gm, '');
  return Buffer.concat([Buffer.from(kept, 'latin1'), head.subarray(settings.length)]);
}
