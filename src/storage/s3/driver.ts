import type { StorageDriver } from '../storage-driver.ts';

/** `s3://bucket/prefix`, of AWS or any store that speaks its language, and `gs://` for that of Google. */
export const s3Driver: StorageDriver = {
  name: 's3',
  claims: (location) => /^(s3|gs):\/\//i.test(location),
  open: async (address, { environment, clock }) => {
    const { openS3Storage } = await import('./open.ts');
    return openS3Storage(address, environment, clock);
  },
};
