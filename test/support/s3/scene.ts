import type { Storage } from '../../../src/core/ports/storage.ts';
import { createBucket, type OpenOptions, type TestBucket } from './bucket.ts';
import { startFaultyStore, type Blow, type Fault, type FaultyStore } from './proxy.ts';

/** A bucket, and a storage that reaches it over a proxy that fails as it is told. */
export interface Scene {
  readonly bucket: TestBucket;
  readonly store: FaultyStore;
  readonly storage: Storage;
}

export async function openScene(faults: readonly Fault[], options: OpenOptions = {}): Promise<Scene> {
  const bucket = await createBucket();
  const store = await startFaultyStore(bucket.access, faults);
  return { bucket, store, storage: bucket.open({ ...options, endpoint: store.endpoint }) };
}

export function answer(status: number, code: string, headers: Readonly<Record<string, string>> = {}): Blow {
  return { type: 'answer', status, code, headers };
}
