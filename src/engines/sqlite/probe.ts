import type { DatabaseAddress, Probe } from '../../core/ports/engine.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import { startAgent } from './agent-client.ts';

/** Looks at the file without opening a connection to it. */
export async function probe({ location }: DatabaseAddress, { signal }: CallOptions): Promise<Probe> {
  await using agent = startAgent(signal);
  const { path, bytes, walBytes, links, header } = await agent.run('look', { path: location });
  return {
    database: path,
    serverVersion: header.writer,
    bytes: bytes + walBytes,
    scratchBytes: bytes + walBytes,
    settings: { journal: header.journal },
    warnings: links > 1 ? [`${path} has ${links} hard links; its -wal file belongs to only one of these names`] : [],
  };
}
