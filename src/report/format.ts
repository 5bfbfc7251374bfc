/** `1.3 MB`: decimal units, as disks and clouds count. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toFixed(value < 9.95 ? 1 : 0)} ${units[unit]}`;
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.trunc(whole / 60)} min ${whole % 60} s`;
  return `${Math.trunc(whole / 3600)} h ${Math.trunc((whole % 3600) / 60)} min`;
}

/** `just now`, `5 min ago`, `3 h ago`, `12 days ago`, or `in the future`. */
export function formatAge(then: Date, now: Date): string {
  const seconds = Math.trunc((now.getTime() - then.getTime()) / 1000);
  if (seconds < -60) return 'in the future';
  if (seconds < 60) return 'just now';
  if (seconds < 3600) return `${Math.trunc(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.trunc(seconds / 3600)} h ago`;
  return `${Math.trunc(seconds / 86_400)} days ago`;
}

/** `2026-11-20 02:00:00 UTC` */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/**
 * Text fit for a terminal: names come from outside, and a control character in one must not move the cursor, nor one
 * that turns the direction of writing make a name look like another.
 */
export function plain(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The same, keeping line breaks. */
export function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}

/** Aligned columns with a heading; a column whose heading ends in `>` is aligned to the right. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const titles = headings.map((heading) => heading.replace(/>$/, ''));
  const cells = [titles, ...rows.map((row) => row.map(plain))];
  const widths = titles.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const lines = cells.map((row) =>
    row.map((cell, column) => align(cell, widths[column] ?? 0, headings[column]?.endsWith('>') === true)).join('  '),
  );
  return lines.map((line) => line.trimEnd()).join('\n');
}

function align(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}
