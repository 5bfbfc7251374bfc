import { DbopsError } from '../../core/errors.ts';
import { isObjectKey } from '../../core/ids.ts';

/** A place in a bucket. */
export interface S3Location {
  /** `gs` for Google's store by its S3 endpoint. */
  readonly scheme: 's3' | 'gs';
  readonly bucket: string;
  /** What every key begins with: empty, or it ends with a slash. */
  readonly root: string;
}

/**
 * Reads `s3://bucket` and `s3://bucket/prefix`, and the same with `gs://`.
 * @throws DbopsError USAGE, without the text: somebody may have put a secret into it
 */
export function parseS3Location(location: string): S3Location {
  const [bucket = '', ...segments] = location.replace(/^(s3|gs):\/\//i, '').split('/');
  const prefix = segments.join('/').replace(/\/+$/, '');
  if (/[@?#]/.test(location)) {
    throw new DbopsError('USAGE', 'the address of a bucket has no place for logins and options', {
      hint: 'Write s3://bucket/prefix, and keys and options beside it in the configuration or the environment.',
    });
  }
  if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new DbopsError('USAGE', `${JSON.stringify(bucket)} cannot name a bucket`, {
      hint: 'Write s3://bucket/prefix; a bucket has 3 to 63 lower-case letters, digits, dots and dashes.',
    });
  }
  if (prefix !== '' && !isObjectKey(prefix)) {
    throw new DbopsError('USAGE', `${JSON.stringify(prefix)} cannot be a prefix in a bucket`, {
      hint: 'Use letters, digits and . _ + = - between single slashes, and no hidden names.',
    });
  }
  const scheme = /^gs:/i.test(location) ? 'gs' : 's3';
  return { scheme, bucket, root: prefix === '' ? '' : `${prefix}/` };
}
