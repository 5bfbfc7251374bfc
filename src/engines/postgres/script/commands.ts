import { DbopsError } from '../../../core/errors.ts';
import type { Command } from '../../../core/sql/script.ts';
import { isUnsafeEncoding } from './encodings.ts';
import { madeForOthers } from './reach.ts';

export interface CommandRules {
  /** `\connect`, and `\encoding` before it, as pg_dump --create and pg_dumpall write them. */
  readonly allowConnect: boolean;
}

/**
 * Decides on psql's commands in a dump. pg_dump of 13.22, 14.19, 15.14, 16.10, 17.6 and newer puts `\restrict KEY` before
 * its first statement and `\unrestrict KEY` after its last; a script of pg_dumpall is a row of such sections.
 */
export class CommandJudge {
  private readonly rules: CommandRules;
  private key: string | undefined;
  private section: 'empty' | 'statements' | 'closed' = 'empty';

  constructor(rules: CommandRules) {
    this.rules = rules;
  }

  /** Fails with REFUSED unless pg_dump writes such a command in this place. Tells whether psql has to see it. */
  judge(command: Command): 'pass' | 'drop' {
    if (command.inStatement) throw refusal(command);
    const text = command.text.toString('latin1').replace(/\r$/, '');
    const [, word, key] = /^\\(restrict|unrestrict) ([A-Za-z0-9]{1,128})$/.exec(text) ?? [];
    if (word === 'restrict' && key !== undefined && this.mayRestrict()) {
      this.key = key;
      this.section = 'empty';
      return 'drop';
    }
    if (word === 'unrestrict' && key !== undefined && key === this.key) {
      this.key = undefined;
      this.section = 'closed';
      return 'drop';
    }
    if (this.rules.allowConnect && this.key === undefined && connects(text)) {
      this.section = 'empty';
      return 'pass';
    }
    if (this.rules.allowConnect && this.key === undefined && setsEncoding(text)) return 'pass';
    throw refusal(command);
  }

  /** Fails with REFUSED after the end that `\unrestrict` has made. */
  statement(line: number): void {
    if (this.section === 'closed') {
      throw new DbopsError('REFUSED', `line ${line}: the script goes on after \\unrestrict, where a dump ends`, {
        hint,
      });
    }
    this.section = 'statements';
  }

  /** `\restrict` came and its end did not. */
  get isRestricted(): boolean {
    return this.key !== undefined;
  }

  private mayRestrict(): boolean {
    return (
      this.key === undefined && (this.section === 'empty' || (this.section === 'closed' && this.rules.allowConnect))
    );
  }
}

/** The name of a command, fit for a terminal. */
export function nameOf(command: Command): string {
  return /^\\(?:[a-z_]{1,20}\+?|[!?;:.])?/i.exec(command.text.toString('latin1'))?.[0] ?? '\\';
}

const hint =
  'Look at that line: psql would run it on this machine, as you. Add --allow-commands only if you trust the author of the file as yourself.';

/** True of `\\connect`, in its short form too. */
export function leadsElsewhere(command: Command): boolean {
  return /^\\c(?:onnect)?$/.test(nameOf(command));
}

export function refusal(command: Command): DbopsError {
  return new DbopsError('REFUSED', `line ${command.line}: the psql command ${nameOf(command)} is not let through`, {
    hint: leadsElsewhere(command) ? madeForOthers : hint,
  });
}

/**
 * The two forms of pg_dump: a plain name, or a connection string of nothing but `dbname`. No other argument passes:
 * psql runs what stands in backticks, and a connection string can lead to any server.
 */
function connects(text: string): boolean {
  const plain = /^\\connect (?:[A-Za-z_][A-Za-z0-9_.]*|"[A-Za-z0-9_.]+")$/;
  const string = /^\\connect -reuse-previous=on "dbname='(?:[^'"\\\r\n]|""|\\['\\])*'"$/;
  return plain.test(text) || string.test(text);
}

/** What pg_dump writes before a `\connect` to a name that is no plain one. */
function setsEncoding(text: string): boolean {
  const name = /^\\encoding ([A-Za-z0-9_]+)$/.exec(text)?.[1];
  return name !== undefined && !isUnsafeEncoding(name);
}
