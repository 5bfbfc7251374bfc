/** The public API, for embedding: operations, the ports they need, and the vocabulary they speak. */
export { backup } from './operations/backup.ts';
export type { BackupRequest } from './operations/backup-request.ts';
export { copy, planCopyOf, type CopyReport, type CopyRequest } from './operations/copy.ts';
export { loadCatalog } from './operations/load-catalog.ts';
export type { Ports } from './operations/ports.ts';
export { planPrune, prune, type PrunePlan, type PruneRequest } from './operations/prune.ts';
export { openForeign } from './operations/foreign.ts';
export { findBackup, openStored, type Restorable } from './operations/restorable.ts';
export { planRestore, restore, type RestoreRequest, type RestoreResult } from './operations/restore.ts';
export { verify, type VerifyRequest } from './operations/verify.ts';
export type { Backup, Catalog } from './core/catalog.ts';
export { DbopsError, EXIT_CODES, type ErrorCode } from './core/errors.ts';
export type { AppEvent } from './core/events.ts';
export type { Manifest } from './core/manifest.ts';
export type { Engine } from './core/ports/engine.ts';
export type { Storage } from './core/ports/storage.ts';
export { judge, type RetentionPolicy, type Verdict } from './core/retention.ts';
export { createMemoryStorage } from './storage/memory/memory-storage.ts';
