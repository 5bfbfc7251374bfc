import type { Readable } from 'node:stream';
import { postgresDialect } from '../../../core/sql/dialect.ts';
import { formatName, nameAt, type QualifiedName } from '../../../core/sql/names.ts';
import { SqlScanner } from '../../../core/sql/scanner.ts';
import { decode, tokensOf, type Token } from '../../../core/sql/tokens.ts';
import { subjectOf } from '../script/subject.ts';
import type { TableName } from './table-script.ts';

/** What a plain SQL script says of tables. */
export interface ScriptSurvey {
  /** Those that it makes, in its order. */
  readonly tables: readonly TableName[];
  partitionsOf(table: TableName): readonly TableName[];
  /** The statements that attach these to tables which are not among them. */
  attachmentsOf(tables: readonly TableName[]): readonly string[];
  /** The table above a partition as rows of which its own are stored. */
  filledAbove(table: TableName): TableName | undefined;
  /** It has rows of others, in a form that names empty tables too, and none of this one. */
  lacksRows(table: TableName): boolean;
}

/** Reads a whole script. */
export async function surveyScript(source: Readable): Promise<ScriptSurvey> {
  const survey = new Survey();
  const scanner = new SqlScanner(postgresDialect, survey);
  for await (const chunk of source as AsyncIterable<Buffer>) scanner.scan(chunk);
  scanner.end();
  return survey;
}

/** More than a hostile script may make us remember. */
const MOST_TABLES = 200_000;
const FILLING_BYTES = 2048;
/** Partitions of partitions: more levels than anybody has, and an end for a circle. */
const MOST_LEVELS = 100;

class Survey implements ScriptSurvey {
  private readonly known = new Map<string, TableName>();
  private readonly parents = new Map<string, string>();
  private readonly attachments = new Map<string, string>();
  /** Partitioned and foreign tables. */
  private readonly rowless = new Set<string>();
  private readonly filled = new Set<string>();
  private copies = false;
  private schema = 'public';

  get tables(): readonly TableName[] {
    return [...this.known.values()];
  }

  partitionsOf(table: TableName): readonly TableName[] {
    const key = keyOf(table);
    return this.tables.filter((candidate) => this.parents.get(keyOf(candidate)) === key);
  }

  attachmentsOf(tables: readonly TableName[]): readonly string[] {
    const keys = new Set(tables.map(keyOf));
    const lone = [...keys].filter((key) => !keys.has(this.parents.get(key) ?? ''));
    return lone.map((key) => this.attachments.get(key)).filter((statement) => statement !== undefined);
  }

  lacksRows(table: TableName): boolean {
    const key = keyOf(table);
    if (this.filled.has(key) || this.rowless.has(key) || this.filledAbove(table) !== undefined) return false;
    return this.copies || this.filled.size === 0;
  }

  filledAbove(table: TableName): TableName | undefined {
    const key = keyOf(table);
    if (this.filled.has(key)) return undefined;
    for (let above = this.parents.get(key), step = 0; above !== undefined && step < MOST_LEVELS; step++) {
      if (this.filled.has(above)) return this.known.get(above);
      above = this.parents.get(above);
    }
    return undefined;
  }

  statement(head: Buffer): void {
    const first = (head[0] ?? 0) | 0x20;
    const isCopy = /^copy\b/i.test(head.toString('latin1', 0, 5));
    const tokens = first === 0x69 || isCopy ? tokensOf(head.subarray(0, FILLING_BYTES), 20) : tokensOf(head);
    const subject = subjectOf(tokens);
    if (subject.setting === true) this.setting(tokens);
    if (subject.table === undefined || this.known.size >= MOST_TABLES) return;
    const table = this.resolve(subject.table);
    const key = keyOf(table);
    if (isCopy) this.copies = true;
    if (subject.fills === true) this.filled.add(key);
    if (subject.part !== undefined) {
      const partition = keyOf(this.resolve(subject.part));
      this.parents.set(partition, key);
      this.attachments.set(partition, head.toString());
    }
    if (subject.creates === 'table') this.create(table, key, tokens);
  }

  private create(table: TableName, key: string, tokens: readonly Token[]): void {
    this.known.set(key, table);
    if (tokens[1]?.type === 'word' && tokens[1].text === 'foreign') this.rowless.add(key);
    const at = tokens.findIndex(({ type, text, depth }) => type === 'word' && text === 'partition' && depth === 0);
    const word = tokens[at + 1]?.text;
    if (at < 0) return;
    // It may be both: a partition that has partitions.
    if (word === 'by' || tokens.some(({ text, depth }, index) => index > at && depth === 0 && text === 'by')) {
      this.rowless.add(key);
    }
    const parent = word === 'of' ? nameAt(tokens, at + 2)?.name : undefined;
    if (parent !== undefined) this.parents.set(key, keyOf(this.resolve(parent)));
  }

  private setting(tokens: readonly Token[]): void {
    const at = tokens.findIndex(({ text }) => text === 'search_path');
    if (at < 0) return;
    const value = tokens
      .slice(at + 1)
      .find(({ type, text }) => type !== 'symbol' && !(type === 'word' && text === 'to'));
    this.schema =
      decode(value?.text ?? '')
        .split(',')[0]
        ?.trim() || 'public';
  }

  private resolve(name: QualifiedName): TableName {
    const [last = '', schema = this.schema] = name.toReversed();
    return { schema, name: last };
  }
}

function keyOf({ schema, name }: TableName): string {
  return formatName([schema, name]);
}
