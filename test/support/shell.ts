import { readlinkSync } from 'node:fs';
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import type { Command } from './markdown.ts';
import { binary } from './run-dbops.ts';

const shop = fileURLToPath(new URL('../../fixtures/databases/shop.db', import.meta.url));

/** What the documents take for granted: a database `app.db` with a table `users`, and `dbops` on the PATH. */
export async function prepareFolder(folder: string): Promise<void> {
  for (const part of ['bin', 'data', 'srv/app', '.zfunc', '.config/fish/completions']) {
    await mkdir(join(folder, part), { recursive: true });
  }
  await mkdir(join(folder, '.local/share/bash-completion/completions'), { recursive: true });
  await writeFile(join(folder, 'bin/dbops'), `#!/bin/sh\nexec '${process.execPath}' '${binary}' "$@"\n`);
  await chmod(join(folder, 'bin/dbops'), 0o755);
  await copyFile(shop, join(folder, 'app.db'));
  const users = "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users(name) VALUES ('a'), ('b');";
  await execa('sqlite3', [join(folder, 'app.db'), users]);
  for (const copy of ['data/shop.db', 'srv/app/app.db']) await copyFile(join(folder, 'app.db'), join(folder, copy));
}

export interface Finished {
  readonly exitCode: number;
  /** stdout and stderr, as they come on a terminal. */
  readonly output: string;
}

/** What a server of PostgreSQL that the documents speak of is here. */
export interface ServerOfDocuments {
  /** Puts addresses of it in the place of those at `db.example`. */
  readonly standIn: (line: string) => string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs commands one after the other in one shell, so that `cd` and variables hold until the block's end. Absolute
 * paths of the text lie below the folder, and its ids and times stand for those of the newest backup there.
 */
export async function runCommands(
  folder: string,
  commands: readonly Command[],
  server?: ServerOfDocuments,
): Promise<Finished[]> {
  const here = (line: string): string => {
    const placed = standIn(line, folder);
    return server?.standIn(placed) ?? placed;
  };
  const lines = commands.map(({ line }) => `{ ${here(line)}\n} 2>&1\nprintf '\\n\\001%s\\001' $?\n`);
  const { stdout } = await execa('bash', ['-c', `set -o pipefail\n${lines.join('')}`], {
    cwd: folder,
    extendEnv: false,
    env: { PATH: `${join(folder, 'bin')}:/usr/local/bin:/usr/bin:/bin`, HOME: folder, ...server?.env },
    stripFinalNewline: false,
    stdin: 'ignore',
  });
  return [...stdout.matchAll(/([\s\S]*?)\n\u0001(\d+)\u0001/g)].map(({ 1: output = '', 2: code }) => ({
    output: output.trimEnd(),
    exitCode: Number(code),
  }));
}

function standIn(line: string, folder: string): string {
  const placed = line.replace(/(?<=[\s'"=]|^)\/(srv|etc|tmp)\//g, (_, top: string) => `${folder}/${top}/`);
  return placed
    .replace(/\b\d{8}T\d{6}Z(-[0-9a-f]{8})?/g, (whole, suffix?: string) => {
      const id = readlinkSync(join(folder, 'backups/app/latest'));
      return suffix === undefined ? id.slice(0, whole.length) : id;
    })
    .replace(/\b\d{4}-\d\d-\d\dT\d\d:\d\d\b/g, '2999-01-01T00:00');
}

/** Whether a text is what the document says: `…` stands for anything, and ids, times and sizes for any others. */
export function fits(said: readonly string[], output: string): boolean {
  const pattern = said.map((line) => (line === '…' ? '[^]*' : patternOf(line))).join('\n');
  return new RegExp(`^${pattern}$`).test(output.replace(/[ \t]+/g, ' ').replace(/ +$/gm, ''));
}

const varying = /(…|\d{8}T\d{6}Z-[0-9a-f]{8}|\d{8}T\d{6}Z|\d+(?:\.\d)? (?:s|B|kB|MB)\b|just now)/;

function patternOf(line: string): string {
  const pieces = line.replace(/[ \t]+/g, ' ').split(varying);
  return pieces.map((piece, index) => (index % 2 === 0 ? escapeRegExp(piece) : variantOf(piece))).join('');
}

function variantOf(piece: string): string {
  if (piece === '…') return '.*';
  if (/^\d{8}T\d{6}Z-/.test(piece)) return String.raw`\d{8}T\d{6}Z-[0-9a-f]{8}`;
  if (/^\d{8}T/.test(piece)) return String.raw`\d{8}T\d{6}Z`;
  return piece === 'just now' ? '(?:just now|\\d+ min ago)' : String.raw`\d+(?:\.\d)? [kM]?[sB]`;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
