import type { Row } from './query.ts';

/**
 * Reads what psql prints as CSV: a line of column names, then rows. A field that is exactly `nullMark` is NULL; quotes
 * stand around what holds a comma, a quote or a line's end, and are doubled inside.
 */
export function parseCsv(text: string, nullMark: string): readonly Row[] {
  const [names = [], ...rows] = readLines(text);
  return rows.map((fields) =>
    Object.fromEntries(names.map((name, index) => [name, fields[index] === nullMark ? null : (fields[index] ?? '')])),
  );
}

function readLines(text: string): string[][] {
  const lines: string[][] = [];
  let line: string[] = [];
  for (let at = 0; at < text.length;) {
    const { field, next } = text[at] === '"' ? readQuoted(text, at) : readPlain(text, at);
    line.push(field);
    if (text[next] !== ',') {
      lines.push(line);
      line = [];
    } else if (next + 1 === text.length) line.push('');
    at = next + 1;
  }
  return lines;
}

function readPlain(text: string, from: number): { field: string; next: number } {
  let next = from;
  while (next < text.length && text[next] !== ',' && text[next] !== '\n') next += 1;
  return { field: text.slice(from, next), next };
}

function readQuoted(text: string, from: number): { field: string; next: number } {
  let end = from + 1;
  for (;;) {
    end = text.indexOf('"', end);
    if (end < 0) return { field: text.slice(from + 1).replaceAll('""', '"'), next: text.length };
    if (text[end + 1] !== '"') break;
    end += 2;
  }
  return { field: text.slice(from + 1, end).replaceAll('""', '"'), next: end + 1 };
}
