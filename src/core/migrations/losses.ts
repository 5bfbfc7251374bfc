import { nameAt } from '../sql/names.ts';
import { tokensOf } from '../sql/tokens.ts';
import type { MigrationScript, Statement } from './script.ts';

/** Whether a statement of a script can remove rows or break references at all, which plain definitions cannot. */
export function mayLoseRows({ statements }: MigrationScript): boolean {
  return !statements.every(onlyAdds);
}

/** Tables, in lower case, that a script deletes from by name, or of which a directive says that they may lose rows. */
export function losesRowsOf({ statements, directives }: MigrationScript): string[] {
  return [...directives.mayLoseRows, ...statements.flatMap(deletedFrom)].map((name) => name.toLowerCase());
}

// Neither removes a row, whatever triggers there are.
const additive =
  /^(create (unique |temp |temporary |materialized |or replace )*(table|index|view|type|function|schema|sequence|domain)\b|comment on\b|grant\b)/i;

function onlyAdds({ canonical }: Statement): boolean {
  return additive.test(canonical);
}

const beforeName = new Set(['from', 'table', 'only']);

function deletedFrom({ text }: Statement): string[] {
  const tokens = tokensOf(Buffer.from(text));
  return tokens.flatMap(({ type, text: word }, at) => {
    if (type !== 'word' || !['delete', 'truncate'].includes(word)) return [];
    let start = at + 1;
    while (tokens[start]?.type === 'word' && beforeName.has(tokens[start]?.text ?? '')) start++;
    const name = nameAt(tokens, start)?.name.at(-1);
    return name === undefined ? [] : [name];
  });
}
