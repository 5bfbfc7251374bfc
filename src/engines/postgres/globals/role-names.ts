/**
 * Names of the roles that a script of pg_dumpall makes, in its order, each once: those that a target must have before
 * objects can belong to them. What stands in strings and comments is no statement (PostgreSQL manual, section 4.1).
 */
export function rolesIn(script: string): string[] {
  const roles = new Set<string>();
  let before: string | undefined;
  let last: string | undefined;
  for (const [token] of script.matchAll(tokens)) {
    if (isSilent(token)) continue;
    const word = token.toLowerCase();
    if (before === 'create' && (last === 'role' || last === 'user' || last === 'group')) {
      const name = nameOf(token);
      if (name !== undefined) roles.add(name);
    }
    [before, last] = [last, word];
  }
  return [...roles];
}

// Unfinished strings and comments reach to the end, so that nothing in them is taken for a statement. A backslash
// outside them starts a command of psql, which ends with its line.
const tokens = new RegExp(
  [
    String.raw`\s+`,
    String.raw`--[^\n]*`,
    String.raw`\/\*[^]*?(?:\*\/|$)`,
    String.raw`\\[^\n]*`,
    String.raw`[eE]'[^'\\]*(?:(?:\\[^]|'')[^'\\]*)*(?:'|$)`,
    String.raw`'[^']*(?:'|$)`,
    String.raw`\$(\w*)\$[^]*?(?:\$\1\$|$)`,
    String.raw`"[^"]*(?:""[^"]*)*(?:"|$)`,
    String.raw`[\p{L}_][\p{L}\p{N}_$]*`,
    String.raw`[^]`,
  ].join('|'),
  'gu',
);

function isSilent(token: string): boolean {
  return /^(?:\s|--|\/\*|\\)/.test(token);
}

function nameOf(token: string): string | undefined {
  if (/^"[^]*"$/.test(token)) return token.slice(1, -1).replaceAll('""', '"');
  // Folded as the server does, which leaves letters beyond ASCII alone in most encodings.
  return /^[\p{L}_]/u.test(token) && !token.includes("'")
    ? token.replace(/[A-Z]/g, (letter) => letter.toLowerCase())
    : undefined;
}
