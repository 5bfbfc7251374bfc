import { DbopsError } from '../../../core/errors.ts';
import { formatName, nameAt, parseName, type QualifiedName } from '../../../core/sql/names.ts';
import { decode, type Token } from '../../../core/sql/tokens.ts';
import { subjectOf, type Subject } from './subject.ts';

const MOST_HELD_BYTES = 64 << 20;

/** What to do with a statement: `before` are earlier ones that have turned out to be needed, and come first. */
export interface Verdict {
  readonly take: boolean;
  readonly before: readonly Buffer[];
}

/**
 * Decides which statements of a dump belong to the chosen tables. Statements on sequences come before the one that says
 * whose they are, and are held until then.
 */
export class TableChoice {
  private readonly wanted: readonly { readonly text: string; readonly name: QualifiedName }[];
  private readonly found = new Map<string, { created: boolean; filled: boolean }>();
  private readonly objects = new Set<string>();
  private readonly sequences = new Set<string>();
  private readonly held = new Map<string, Buffer[]>();
  private heldBytes = 0;
  /** The first schema of the search path. */
  private schema = 'public';

  constructor(tables: readonly string[]) {
    this.wanted = tables.map((text) => {
      const name = parseName(text);
      if (name === undefined || name.length > 2) {
        throw new DbopsError('USAGE', `not the name of a table: ${JSON.stringify(text)}`, {
          hint: 'Write it as SQL does: users, public.users, "Users", "my schema"."users".',
        });
      }
      return { text, name };
    });
  }

  /** Those of which the script has neither a definition nor rows, as they were asked for. */
  missing(): string[] {
    const found = [...this.found.keys()].map((text) => parseName(text) ?? []);
    return this.wanted
      .filter(({ name }) => !found.some((candidate) => matches(name, candidate)))
      .map(({ text }) => text);
  }

  /** The tables that were found, as SQL writes them. */
  tables(): string[] {
    return [...this.found.keys()];
  }

  judge(tokens: readonly Token[], statement: Buffer): Verdict {
    const subject = subjectOf(tokens);
    if (subject.setting === true) return this.setting(tokens);
    const { object, part } = subject;
    if (object !== undefined && subject.table === undefined)
      return { take: this.takesObject(object, part), before: [] };
    const table = subject.table === undefined ? undefined : this.resolve(subject.table);
    if (table !== undefined && this.isWanted(table)) return this.ofTable(subject, table, tokens);
    const sequence = subject.sequence ?? (subject.creates === undefined ? subject.table : undefined);
    return sequence === undefined ? leave : this.ofSequence(formatName(this.resolve(sequence)), subject, statement);
  }

  private ofTable(subject: Subject, table: QualifiedName, tokens: readonly Token[]): Verdict {
    const { object, part, sequence } = subject;
    if (part !== undefined && !this.isWanted(this.resolve(part))) return leave;
    const key = formatName(table);
    const known = this.found.get(key);
    // What --clean puts first: it undoes what is about to be made.
    if (subject.drops === true && known?.created !== true) return leave;
    const state = known ?? { created: false, filled: false };
    if (subject.creates === 'table') state.created = true;
    if (subject.fills === true) state.filled = true;
    if (state.created || state.filled) this.found.set(key, state);
    if (object !== undefined) this.objects.add(formatName(inSchemaOf(object, table)));
    const needed = [...(sequence === undefined ? [] : [sequence]), ...defaultsOf(tokens)];
    return { take: true, before: needed.flatMap((name) => this.adopt(formatName(this.resolve(name)))) };
  }

  private ofSequence(key: string, subject: Subject, statement: Buffer): Verdict {
    if (this.sequences.has(key))
      return { take: subject.table === undefined || subject.sequence === undefined, before: [] };
    if (subject.creates !== 'sequence' && !this.held.has(key)) return leave;
    this.heldBytes += statement.length;
    if (this.heldBytes > MOST_HELD_BYTES) {
      throw new DbopsError('REFUSED', 'the script has more statements on sequences than can be held', {
        hint: 'Restore the whole script into another database, and copy the tables from there.',
      });
    }
    this.held.set(key, [...(this.held.get(key) ?? []), Buffer.from(statement)]);
    return leave;
  }

  private adopt(key: string): Buffer[] {
    this.sequences.add(key);
    const before = this.held.get(key) ?? [];
    this.held.delete(key);
    return before;
  }

  private takesObject(object: QualifiedName, part: QualifiedName | undefined): boolean {
    const has = (name: QualifiedName): boolean => this.objects.has(formatName(this.resolve(name)));
    return has(object) && (part === undefined || has(part));
  }

  private setting(tokens: readonly Token[]): Verdict {
    const at = tokens.findIndex(({ text }) => text === 'search_path');
    const value = at < 0 ? undefined : tokens.slice(at + 1).find(({ type }) => type !== 'symbol');
    if (value !== undefined) {
      const next = value.type === 'word' && value.text === 'to' ? tokens[tokens.indexOf(value) + 1] : value;
      this.schema =
        decode(next?.text ?? '')
          .split(',')[0]
          ?.trim() || 'public';
    }
    return { take: true, before: [] };
  }

  private resolve(name: QualifiedName): QualifiedName {
    return name.length > 1 ? name.slice(-2) : [this.schema, ...name];
  }

  private isWanted(table: QualifiedName): boolean {
    return this.wanted.some(({ name }) => matches(name, table));
  }
}

const leave: Verdict = { take: false, before: [] };

/** A name without a schema stands for that table in any. */
function matches(wanted: QualifiedName, table: QualifiedName): boolean {
  const [schema, name] = table;
  return wanted.length === 1 ? wanted[0] === name : wanted[0] === schema && wanted[1] === name;
}

function inSchemaOf(object: QualifiedName, table: QualifiedName): QualifiedName {
  return object.length > 1 ? object : [...table.slice(0, 1), ...object];
}

/** Sequences in `nextval('…')`. */
function defaultsOf(tokens: readonly Token[]): QualifiedName[] {
  return tokens.flatMap(({ type, text }, at) => {
    const argument = type === 'word' && text === 'nextval' ? tokens[at + 2] : undefined;
    const name = argument?.type === 'string' ? parseName(decode(argument.text)) : undefined;
    return name === undefined || nameAt(tokens, at + 2) !== undefined ? [] : [name];
  });
}
