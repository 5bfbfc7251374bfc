import { decode, tokensOf, type Token } from './tokens.ts';

/** A table's name, or another object's, in parts without quotes: `['public', 'users']`. */
export type QualifiedName = readonly string[];

/** The name that starts at a token, and the place after it; undefined when none does. */
export function nameAt(tokens: readonly Token[], at: number): { name: QualifiedName; end: number } | undefined {
  const name: string[] = [];
  for (let end = at; ; end += 2) {
    const token = tokens[end];
    if (token?.type !== 'word' && token?.type !== 'name') return undefined;
    name.push(decode(token.text));
    if (tokens[end + 1]?.text !== '.' || tokens[end + 1]?.type !== 'symbol') return { name, end: end + 1 };
  }
}

/** Reads a name as SQL does: `Users` is `users`, `"Users"` is not. Undefined when the text is no name. */
export function parseName(text: string): QualifiedName | undefined {
  const tokens = tokensOf(Buffer.from(text));
  const found = nameAt(tokens, 0);
  return found !== undefined && found.end === tokens.length ? found.name : undefined;
}

/** The name as SQL would have it, in quotes where needed. */
export function formatName(name: QualifiedName): string {
  return name.map((part) => (/^[a-z_][a-z0-9_$]*$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.');
}
