import { basename, dirname, join } from 'node:path';
import type { DumpOptions } from '../../core/dump-options.ts';
import { DbopsError } from '../../core/errors.ts';
import type { DatabaseAddress, Dump, DumpRequest, Examination, Probe, Source } from '../../core/ports/engine.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import { scratchOf } from '../../core/scratch-place.ts';
import { startAgent, type Agent } from './agent-client.ts';
import type { SourceFile } from './source-file.ts';

/** Looks at the file without a connection to it; the agent that did so then waits for the dump. */
export async function open(address: DatabaseAddress, { signal }: CallOptions): Promise<Source> {
  const agent = startAgent(signal);
  try {
    const file = await agent.run('look', { path: address.location });
    return {
      probe: describe(file),
      dump: (request) => dump({ agent, path: file.path, lockTimeoutMs: address.lockTimeoutMs, signal }, request),
      [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
    };
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  }
}

function describe({ path, bytes, walBytes, links, header }: SourceFile): Probe {
  return {
    database: path,
    serverVersion: header.writer,
    bytes: bytes + walBytes,
    scratchBytes: bytes + walBytes,
    scratchParent: dirname(path),
    settings: { journal: header.journal },
    warnings: links > 1 ? [`${path} has ${links} hard links; its -wal file belongs to only one of these names`] : [],
  };
}

interface OpenFile extends CallOptions {
  readonly agent: Agent;
  readonly path: string;
  readonly lockTimeoutMs: number;
}

/** Freezes a snapshot as a file in the scratch folder; its examination starts at once, beside whoever reads it. */
async function dump({ agent, path, lockTimeoutMs, signal }: OpenFile, request: DumpRequest): Promise<Dump> {
  refuseOptions(request.options);
  const copy = join(scratchOf(request), 'snapshot.db');
  const snapshot = await agent.run('snapshot', { source: path, copy, lockTimeoutMs }, request.onProgress);
  const examination = agent.run('examine', { path: copy, facts: request.facts, checks: [] });
  // Whoever never asks (because storing failed first) must not be ended by this one's failure.
  examination.catch(() => undefined);
  return {
    tools: { sqlite: snapshot.sqliteVersion },
    parts: [{ name: partName(path), source: { type: 'file', path: copy, bytes: snapshot.bytes } }],
    finish: async (): Promise<Examination> => {
      const found = await examination;
      // It may have been ready when the run was stopped.
      signal.throwIfAborted();
      return { ...found, warnings: [...snapshot.warnings, ...found.warnings] };
    },
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
}

/** An SQLite file is copied as a whole. */
function refuseOptions(options: DumpOptions): void {
  const [first] = Object.keys(options);
  if (first === undefined) return;
  throw new DbopsError('USAGE', `a dump of SQLite has no option ${first}`, {
    hint: 'An SQLite database is always backed up as a whole. Single tables can be restored: dbops restore --table.',
  });
}

/** The database's own file name where it is fit for an object, so that a restore by hand finds what it expects. */
function partName(path: string): string {
  const name = basename(path)
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 100)
    .replace(/\.+$/, '');
  const reserved = name === '' || /^(manifest\.json|sha256sums|pin\.json|verify\..*)$/i.test(name);
  return reserved ? 'database.db' : name;
}
