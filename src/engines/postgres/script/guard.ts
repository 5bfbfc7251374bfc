import { Transform } from 'node:stream';
import { DbopsError } from '../../../core/errors.ts';
import { postgresDialect } from '../../../core/sql/dialect.ts';
import { SqlScanner } from '../../../core/sql/scanner.ts';
import type { ScriptListener } from '../../../core/sql/script.ts';
import { CommandJudge } from './commands.ts';
import { HeldBytes } from './held-bytes.ts';
import { judgeStatement, judgeTransaction } from './statements.ts';

export interface GuardOptions {
  /** Everything passes, unread: for a script whose author is trusted like the user. */
  readonly allowMeta: boolean;
  /** `\connect` passes in the forms of pg_dump --create and pg_dumpall, and `\encoding` with it. */
  readonly allowConnect: boolean;
  /** COPY from and to files and programs of the server passes. Default: false. */
  readonly allowServerFiles?: boolean;
  /** The script runs inside a transaction of ours, and must not end it. Default: false. */
  readonly withinTransaction?: boolean;
  /** Is told of what passes. */
  readonly watch?: Pick<Required<ScriptListener>, 'statement' | 'data'>;
}

/**
 * Passes a plain SQL script on for psql, and fails at the first thing that is more than SQL. No byte of the line it fails
 * at passes, nor of the statement, unless those are longer than a MiB; earlier ones have passed, so the reader runs psql in
 * one transaction or in a side database, and ends it when this fails.
 *
 * The script's own `\restrict` and `\unrestrict` are left out, and their lines stay, empty: a psql older than they fails at
 * them, and their key is known to whoever wrote the script. Where psql has them, start it as
 * `psql -X -v ON_ERROR_STOP=1 -c '\restrict KEY' -f -` with a random key (not with `allowConnect`). Only that holds against
 * scripts whose SQL changes how psql reads while it runs, and without ON_ERROR_STOP the data of a COPY that failed would
 * be read as SQL.
 *
 * Fails with DbopsErrors: REFUSED; DAMAGED when the script ends within a quote, a comment, a COPY or a restricted part.
 */
export function guardScript(options: GuardOptions): Transform {
  const held = new HeldBytes();
  const commands = new CommandJudge(options);
  const scanner = new SqlScanner(postgresDialect, listenerOf(options, commands, held));
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (options.allowMeta) return done(null, chunk);
      attempt(done, () => {
        scanner.scan(chunk);
        held.add(chunk);
        for (const piece of held.release(scanner.settled)) this.push(piece);
      });
    },
    flush(done) {
      if (options.allowMeta) return done();
      attempt(done, () => {
        const { open, line } = scanner.end();
        if (commands.isRestricted) throw cut(`its end after \\restrict`);
        if (open !== 'nothing' && open !== 'a statement') throw cut(`the end of ${open} that begins in line ${line}`);
        for (const piece of held.rest()) this.push(piece);
      });
    },
  });
}

function listenerOf(options: GuardOptions, commands: CommandJudge, held: HeldBytes): ScriptListener {
  const { allowServerFiles = false, withinTransaction = false, watch } = options;
  return {
    statement(head, line, ended) {
      commands.statement(line);
      judgeStatement(head, line, allowServerFiles);
      if (withinTransaction) judgeTransaction(head, line);
      watch?.statement(head, line, ended);
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

function attempt(done: (error?: Error | null) => void, work: () => void): void {
  try {
    work();
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}

function cut(missing: string): DbopsError {
  return new DbopsError('DAMAGED', `the script lacks ${missing}`, {
    hint: 'It was cut off: take another copy of it, or make the dump again.',
  });
}
