/** A name as SQL reads it, whatever is in it. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text literal without NUL characters, which SQL text cannot hold. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
