import { Transform } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import { postgresDialect } from '../../../core/sql/dialect.ts';
import { SqlScanner } from '../../../core/sql/scanner.ts';
import type { ScriptListener } from '../../../core/sql/script.ts';
import { CommandJudge, leadsElsewhere, refusal } from './commands.ts';
import { createScriptEnds } from './ends.ts';
import { HeldBytes } from './held-bytes.ts';
import { judgeReach } from './reach.ts';
import { judgeStatement, judgeTransaction, refuseCopy } from './statements.ts';

export interface GuardOptions {
  /**
   * Everything passes but what leads to other databases: for a script whose author is trusted like the user, who still
   * means the one database.
   */
  readonly allowMeta: boolean;
  /** `\connect` passes in the forms of pg_dump --create and pg_dumpall, and `\encoding` with it. */
  readonly allowConnect: boolean;
  /**
   * COPY with its data in the script passes. Where psql goes on after errors it must not: the data of a COPY that fails is
   * read as statements and commands. Default: true.
   */
  readonly allowCopyData?: boolean;
  /** COPY from and to files and programs of the server passes. Default: false. */
  readonly allowServerFiles?: boolean;
  /** Roles and tablespaces may be made and altered. Default: false. */
  readonly allowServerObjects?: boolean;
  /** The script runs inside a transaction of ours, and must not end it. Default: false. */
  readonly withinTransaction?: boolean;
  /** Is told of what passes. */
  readonly watch?: Pick<Required<ScriptListener>, 'statement' | 'data'>;
  /** Makes what the script takes for granted. */
  readonly preparation?: Preparation;
}

export interface Preparation {
  /** What a statement needs, in the preparation's own words. */
  needsOf(statement: Buffer): readonly string[];
  /** Called with each need once, before the statement passes that has it. */
  provide(needs: readonly string[]): Promise<void>;
}

/**
 * Passes a plain SQL script on for psql, and fails at the first thing that is more than SQL. No byte of the line it fails
 * at passes, nor of the statement, unless those are longer than a MiB; earlier ones have passed, so the reader runs psql in
 * one transaction or in a side database, and ends it when this fails.
 *
 * The script's own `\restrict` and `\unrestrict` are left out, and their lines stay, empty: a psql older than they fails at
 * them, and their key is known to whoever wrote the script. Where psql has them, start it as
 * `psql -X -v ON_ERROR_STOP=1 -c '\restrict KEY' -f -` with a random key (not with `allowConnect`). Only that holds against
 * scripts whose SQL changes how psql reads while it runs.
 *
 * Fails with DbopsErrors: REFUSED; DAMAGED when the script ends within a quote, a comment, a COPY or a restricted part.
 */
export function guardScript(options: GuardOptions): Transform {
  const held = new HeldBytes();
  const commands = new CommandJudge(options);
  const needs = new Needs(options.preparation);
  const ends = createScriptEnds();
  const scanner = new SqlScanner(postgresDialect, listenerOf(options, commands, held, needs));
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      ends.update(chunk);
      const judge = (): void => {
        scanner.scan(chunk);
        held.add(chunk);
      };
      settle({ done, judge, needs, pass: () => push(this, held.release(scanner.settled)) });
    },
    flush(done) {
      const judge = (): void => {
        const { open, line } = scanner.end();
        if (options.allowMeta) return;
        if (commands.isRestricted) throw cut(`its end after \\restrict`);
        if (open !== 'nothing' && open !== 'a statement') throw cut(`the end of ${open} that begins in line ${line}`);
        if (!ends.isWhole()) throw cut('the comment with which pg_dump ends it');
      };
      settle({ done, judge, needs, pass: () => push(this, held.rest()) });
    },
  });
}

function push(to: Transform, pieces: readonly Buffer[]): void {
  for (const piece of pieces) to.push(piece);
}

interface Step {
  readonly done: (error?: Error | null) => void;
  readonly judge: () => void;
  readonly needs: Needs;
  readonly pass: () => void;
}

/** Judges first, then lets those know who wait for it, then passes. */
function settle({ done, judge, needs, pass }: Step): void {
  try {
    judge();
  } catch (error) {
    return done(error as Error);
  }
  const provided = needs.provide();
  const go = (): void => {
    pass();
    done();
  };
  if (provided === undefined) go();
  else provided.then(go, done);
}

/** Needs that were met and not provided for yet. */
class Needs {
  private readonly known = new Set<string>();
  private fresh: string[] = [];
  private readonly preparation: Preparation | undefined;

  constructor(preparation: Preparation | undefined) {
    this.preparation = preparation;
  }

  note(statement: Buffer): void {
    for (const need of this.preparation?.needsOf(statement) ?? []) {
      if (!this.known.has(need)) this.fresh.push(need);
      this.known.add(need);
    }
  }

  provide(): Promise<void> | undefined {
    if (this.fresh.length === 0) return undefined;
    const { fresh } = this;
    this.fresh = [];
    return this.preparation?.provide(fresh);
  }
}

function trustingListener(allowServerObjects: boolean): ScriptListener {
  return {
    statement: (head, line) => judgeReach(head, line, allowServerObjects),
    command(command) {
      if (leadsElsewhere(command)) throw refusal(command);
    },
  };
}

function listenerOf(options: GuardOptions, commands: CommandJudge, held: HeldBytes, needs: Needs): ScriptListener {
  const { allowCopyData = true, allowServerFiles = false, allowServerObjects = false } = options;
  const { withinTransaction = false, watch } = options;
  if (options.allowMeta) return trustingListener(allowServerObjects);
  return {
    statement(head, line, ended) {
      commands.statement(line);
      judgeStatement(head, line, allowServerFiles);
      // Where it may go into other databases, it may make them.
      if (!options.allowConnect) judgeReach(head, line, allowServerObjects);
      if (!allowCopyData) refuseCopy(head, line);
      if (withinTransaction) judgeTransaction(head, line);
      watch?.statement(head, line, ended);
      needs.note(head);
    },
    ...(watch === undefined ? {} : { data: watch.data }),
    command(command) {
      if (commands.judge(command) === 'drop') held.cut(command.offset, command.offset + command.text.length);
    },
    doubtful(reason, line) {
      throw new DbopsError('REFUSED', `line ${line}: the script has ${reason}`, {
        hint: 'Look at that line: programs disagree on what it means, so that it cannot be judged.',
      });
    },
  };
}

function cut(missing: string): DbopsError {
  return new DbopsError('DAMAGED', `the script lacks ${missing}`, {
    hint: 'It was cut off: take another copy of it, or make the dump again.',
  });
}
