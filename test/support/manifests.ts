import type { Backup } from '../../src/core/catalog.ts';
import { parseTargetName, isBackupId, parseObjectKey, type BackupId } from '../../src/core/ids.ts';
import type { Manifest } from '../../src/core/manifest.ts';

export function backupId(text: string): BackupId {
  if (isBackupId(text)) return text;
  throw new Error(`${text} is no backup id`);
}

/** A manifest as a small backup has it, with changes. */
export function aManifest(change: Partial<Manifest> = {}): Manifest {
  return {
    formatVersion: 1,
    id: backupId('20261120T020000Z-4f7a2c1e'),
    target: parseTargetName('app'),
    engine: 'sqlite',
    class: 'manual',
    tags: {},
    pinned: false,
    startedAt: '2026-11-20T02:00:00.000Z',
    finishedAt: '2026-11-20T02:00:01.000Z',
    source: {
      database: '/srv/app.db',
      host: 'db1',
      serverVersion: '3.45.1',
      bytes: 8192,
      settings: { journal: 'wal' },
    },
    tools: { dbops: '0.1.0', sqlite: '3.53.0' },
    options: { facts: 'rows', readBack: true },
    parts: [
      {
        name: parseObjectKey('app.db.zst'),
        bytes: 1200,
        sha256: 'a'.repeat(64),
        raw: { bytes: 8192, sha256: 'b'.repeat(64) },
        codecs: [{ id: 'zstd', level: 3 }],
      },
    ],
    facts: { schema: 'c'.repeat(64), tables: [{ name: 'users', rows: 3 }], properties: { user_version: 7 } },
    warnings: [],
    ...change,
  };
}

export function aBackup(change: Partial<Manifest> = {}): Backup {
  const manifest = aManifest(change);
  return {
    prefix: `${manifest.target}/${manifest.id}`,
    manifest,
    pinned: manifest.pinned,
    good: true,
    verifications: [],
    objects: [],
  };
}
