import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBackupId } from '../../src/core/ids.ts';
import { parseManifest, serializeManifest, serializeSums } from '../../src/core/manifest.ts';

/** Fills a storage with `count` backups, one an hour, that have the manifest of a real one and no content. */
export function fillCatalog(storage: string, count: number, real: string): void {
  const manifest = parseManifest(readFileSync(join(real, 'manifest.json')), real);
  for (let index = 0; index < count; index++) {
    const at = new Date(Date.now() - index * 3_600_000);
    const id = createBackupId(at, Buffer.from(index.toString(16).padStart(8, '0'), 'hex'));
    const folder = join(storage, manifest.target, id);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const time = at.toISOString();
    const bytes = serializeManifest({ ...manifest, id, startedAt: time, finishedAt: time });
    writeFileSync(join(folder, 'manifest.json'), bytes);
    writeFileSync(
      join(folder, 'SHA256SUMS'),
      serializeSums(manifest, createHash('sha256').update(bytes).digest('hex')),
    );
    for (const { name } of manifest.parts) writeFileSync(join(folder, name), '');
  }
}
