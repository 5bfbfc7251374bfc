import type { DatabaseAddress, Probe } from '../../core/ports/engine.ts';
import { lookAtSource } from './source-file.ts';

/** Looks at the file without opening a connection to it. */
export async function probe({ location }: DatabaseAddress): Promise<Probe> {
  const { path, bytes, walBytes, links, header } = await lookAtSource(location);
  return {
    database: path,
    serverVersion: header.writer,
    bytes: bytes + walBytes,
    scratchBytes: bytes + walBytes,
    settings: { journal: header.journal },
    warnings: links > 1 ? [`${path} has ${links} hard links; its -wal file belongs to only one of these names`] : [],
  };
}
