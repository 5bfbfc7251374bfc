import { DbopsError } from '../../core/errors.ts';

/** What a store answers to bytes that it has taken. */
export interface Acknowledgement {
  readonly ETag?: string | undefined;
  readonly ServerSideEncryption?: string | undefined;
  readonly SSECustomerAlgorithm?: string | undefined;
}

/**
 * The store's word for the bytes that it took is their MD5 digest, unless it encrypted them with keys of its own.
 * @throws DbopsError STORAGE_FAILED when it took other bytes
 */
export function refuseOtherDigest(answer: Acknowledgement, expected: string, name: string): void {
  if (!isOtherDigest(answer, expected)) return;
  throw new DbopsError('STORAGE_FAILED', `the store did not take ${name} as it was sent`, {
    hint: 'The digest that it answers is another one: something on the way changes bytes. Go around it, such as a proxy.',
  });
}

export function isOtherDigest(
  { ETag, ServerSideEncryption, SSECustomerAlgorithm }: Acknowledgement,
  expected: string,
): boolean {
  const digest = ETag?.replaceAll('"', '').toLowerCase();
  const isDigest = digest !== undefined && /^[0-9a-f]{32}(-\d+)?$/.test(digest);
  const isEncrypted = ServerSideEncryption?.startsWith('aws:kms') === true || SSECustomerAlgorithm !== undefined;
  return isDigest && !isEncrypted && digest !== expected;
}
