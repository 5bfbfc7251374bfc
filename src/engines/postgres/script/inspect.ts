import type { Readable } from 'node:stream';
import { postgresDialect } from '../../../core/sql/dialect.ts';
import { SqlScanner } from '../../../core/sql/scanner.ts';
import type { ScriptEnd } from '../../../core/sql/script.ts';
import { CommandJudge, nameOf } from './commands.ts';
import { RowCounts, type CountedTable } from './row-counts.ts';

const MOST_REMARKS = 20;

export interface ScriptInspection {
  /** Reasons to call it damaged or incomplete. */
  readonly problems: readonly string[];
  /** What psql or a reader should be wary of. */
  readonly warnings: readonly string[];
  /** Tables that rows are brought into. An INSERT counts as one row, however many it has. */
  readonly tables: readonly CountedTable[];
  readonly statements: number;
  /** What pg_dump says of itself: `15.18 (Debian 15.18-0+deb12u1)`. */
  readonly header?: { readonly serverVersion: string; readonly dumpVersion: string };
  readonly kind: ScriptKind;
}

type ScriptKind = 'pg_dump' | 'pg_dumpall' | 'unknown';

/**
 * Reads a plain dump completely and tells what is wrong with it, without a server. pg_dump and pg_dumpall end their scripts
 * with a comment; when it is missing, the script was cut off, which psql would not notice. A script of other origin has no
 * such mark. Rejects only when reading the stream does.
 */
export async function inspectScript(stream: Readable): Promise<ScriptInspection> {
  const inspector = new Inspector();
  const scanner = new SqlScanner(postgresDialect, inspector);
  for await (const chunk of stream as AsyncIterable<Buffer>) scanner.scan(chunk);
  return inspector.conclude(scanner.end());
}

class Inspector {
  private readonly counts = new RowCounts();
  private readonly commands = new CommandJudge({ allowConnect: true });
  private readonly refused: string[] = [];
  private readonly doubts: string[] = [];
  private statements = 0;
  private dumps = 0;
  private completeDumps = 0;
  private clusters = 0;
  private completeClusters = 0;
  /** A statement came after the last mark. */
  private after = false;
  private serverVersion = '';
  private dumpVersion = '';

  statement(head: Buffer, line: number): void {
    this.statements++;
    this.after = true;
    this.counts.statement(head);
    this.attempt(() => this.commands.statement(line), `line ${line}: a statement after \\unrestrict`);
  }

  data(_bytes: Buffer, rows: number): void {
    this.counts.data(rows);
  }

  comment(text: Buffer): void {
    const line = text.toString('latin1', 0, 200).trimEnd();
    if (line === '-- PostgreSQL database dump') this.dumps++;
    else if (line === '-- PostgreSQL database cluster dump') this.clusters++;
    else if (line === '-- PostgreSQL database dump complete') this.mark('completeDumps');
    else if (line === '-- PostgreSQL database cluster dump complete') this.mark('completeClusters');
    else this.version(line);
  }

  command(command: Parameters<CommandJudge['judge']>[0]): void {
    this.attempt(() => this.commands.judge(command), `line ${command.line}: the psql command ${nameOf(command)}`);
  }

  doubtful(reason: string, line: number): void {
    if (this.doubts.length < MOST_REMARKS) this.doubts.push(`line ${line}: ${reason}`);
  }

  conclude(end: ScriptEnd): ScriptInspection {
    const kind = this.clusters > 0 ? 'pg_dumpall' : this.dumps > 0 ? 'pg_dump' : 'unknown';
    const header = { serverVersion: this.serverVersion, dumpVersion: this.dumpVersion };
    const foreign = kind === 'unknown';
    const mark = foreign && this.statements > 0 ? ['it has no mark at its end by which a cut would be seen'] : [];
    return {
      problems: [...this.problemsOf(kind, end), ...(foreign ? [] : this.doubts)],
      warnings: [...mark, ...(foreign ? this.doubts : []), ...this.refused],
      tables: this.counts.list(),
      statements: this.statements,
      ...(this.dumpVersion === '' ? {} : { header }),
      kind,
    };
  }

  private problemsOf(kind: ScriptKind, end: ScriptEnd): string[] {
    const problems: string[] = [];
    if (this.statements === 0) problems.push('it holds no statement');
    // psql runs a last statement without a semicolon, and people do write that.
    if (end.open !== 'nothing' && (end.open !== 'a statement' || kind !== 'unknown')) {
      problems.push(`it ends within ${end.open} that begins in line ${end.line}`);
    }
    if (this.commands.isRestricted) problems.push('it has \\restrict without its \\unrestrict');
    const complete = this.completeDumps >= this.dumps && this.completeClusters >= this.clusters;
    if (kind !== 'unknown' && (!complete || this.after))
      problems.push(`it lacks the end that ${kind} writes: it was cut off`);
    return problems;
  }

  private mark(which: 'completeDumps' | 'completeClusters'): void {
    this[which]++;
    this.after = false;
  }

  private version(line: string): void {
    const [, which, version] = /^-- Dumped (from database|by pg_dump) version ([ -~]{1,100})$/.exec(line) ?? [];
    if (version === undefined) return;
    if (which === 'by pg_dump') this.dumpVersion ||= version;
    else this.serverVersion ||= version;
  }

  private attempt(work: () => void, remark: string): void {
    try {
      work();
    } catch {
      if (this.refused.length < MOST_REMARKS) this.refused.push(remark);
    }
  }
}
