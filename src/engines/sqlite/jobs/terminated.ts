const quotedOrComment = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[^]*?\*\/|\/\*[^]*$/g;

/** A definition with its semicolon, where a comment that it ends in does not swallow that. */
export function terminated(sql: string): string {
  const last = [...sql.matchAll(quotedOrComment)].at(-1);
  const [text = ''] = last ?? [];
  if (last === undefined || last.index + text.length < sql.length) return `${sql};`;
  if (text.startsWith('--')) return `${sql}\n;`;
  // SQLite takes the end of the text for the end of a comment.
  return text.startsWith('/*') && !/^\/\*[^]*\*\/$/.test(text) ? `${sql} */;` : `${sql};`;
}
