import { readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Where distributions keep PostgreSQL's programs, each version apart; `*` stands for one version or any part of a name. */
export const distributionFolders: readonly string[] = [
  '/usr/lib/postgresql/*/bin',
  '/usr/pgsql-*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/opt/homebrew/opt/libpq/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/usr/local/opt/libpq/bin',
  '/usr/local/pgsql/bin',
  '/Library/PostgreSQL/*/bin',
];

/**
 * Folders that may hold the programs: `binDir` alone if it is given, else those on PATH and then those that match the
 * patterns. Empty and relative entries of PATH are ignored, as cron's are.
 */
export async function programFolders(
  binDir: string | undefined,
  path: string | undefined,
  patterns: readonly string[],
): Promise<string[]> {
  if (binDir !== undefined) return [binDir];
  const onPath = (path ?? '').split(delimiter).filter((folder) => folder.startsWith('/'));
  const matching = await Promise.all(patterns.map(expand));
  return [...new Set([...onPath, ...matching.flat()])];
}

async function expand(pattern: string): Promise<string[]> {
  const parts = pattern.split('/');
  const at = parts.findIndex((part) => part.includes('*'));
  if (at < 0) return [pattern];
  const [before = '', after = ''] = (parts[at] ?? '').split('*');
  const parent = parts.slice(0, at).join('/');
  const names = await readdir(parent).catch(() => []);
  return names
    .filter((name) => name.startsWith(before) && name.endsWith(after) && name.length > before.length + after.length)
    .toSorted()
    .map((name) => join(parent, name, ...parts.slice(at + 1)));
}
