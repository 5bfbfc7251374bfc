import { basename, join } from 'node:path';
import type { DatabaseAddress, Dump, DumpRequest, Examination } from '../../core/ports/engine.ts';
import { startAgent, type Agent } from './agent-client.ts';
import type { SnapshotOutput } from './jobs/job.ts';

/** Freezes a snapshot as a file in the scratch folder; its examination starts at once, beside whoever reads it. */
export async function dump(source: DatabaseAddress, request: DumpRequest): Promise<Dump> {
  const copy = join(request.scratch, 'snapshot.db');
  const agent = startAgent(request.signal);
  try {
    const { path } = await agent.run('look', { path: source.location });
    const input = { source: path, copy, lockTimeoutMs: source.lockTimeoutMs };
    const snapshot = await agent.run('snapshot', input, request.onProgress);
    return openDump(agent, snapshot, { path, copy, facts: request.facts });
  } catch (error) {
    await agent[Symbol.asyncDispose]();
    throw error;
  }
}

function openDump(
  agent: Agent,
  snapshot: SnapshotOutput,
  { path, copy, facts }: { path: string; copy: string; facts: DumpRequest['facts'] },
): Dump {
  const examination = agent.run('examine', { path: copy, facts, checks: [] });
  // Whoever never asks (because storing failed first) must not be ended by this one's failure.
  examination.catch(() => undefined);
  return {
    tools: { sqlite: snapshot.sqliteVersion },
    parts: [{ name: partName(path), source: { type: 'file', path: copy, bytes: snapshot.bytes } }],
    finish: async (): Promise<Examination> => {
      const found = await examination;
      return { ...found, warnings: [...snapshot.warnings, ...found.warnings] };
    },
    [Symbol.asyncDispose]: () => agent[Symbol.asyncDispose](),
  };
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
