import { describe, expect, test } from 'vitest';
import { DbopsError } from '../../../../src/core/errors.ts';
import { explain, type Place } from '../../../../src/storage/s3/explain.ts';

const place: Place = { scheme: 's3', bucket: 'backups', root: 'shop/', endpoint: undefined, region: 'eu-west-1' };
const writing = { action: 's3:PutObject', doing: 'cannot write', key: 'app/a' };
const now = new Date('2026-11-20T02:00:00Z');

function answered(name: string, status: number, message = '', headers: Readonly<Record<string, string>> = {}): Error {
  const error = Object.assign(new Error(message), { $metadata: { httpStatusCode: status }, $response: { headers } });
  return Object.assign(error, { name });
}

const unanswered = (code: string): Error => Object.assign(new Error(code), { code });

describe('each failure has a code, names the object, and says what to do', () => {
  test.each<readonly [Error, string, RegExp, RegExp]>([
    [
      Object.assign(new Error('x'), { name: 'CredentialsProviderError' }),
      'STORAGE_FAILED',
      /no credentials were found/,
      /AWS_ACCESS_KEY_ID/,
    ],
    [answered('ExpiredToken', 400), 'STORAGE_FAILED', /have expired/, /new ones/],
    [answered('SignatureDoesNotMatch', 403), 'STORAGE_FAILED', /does not accept the credentials/, /Check/],
    [
      answered('AccessDenied', 403),
      'STORAGE_FAILED',
      /no permission/,
      /s3:PutObject on arn:aws:s3:::backups\/shop\/\*/,
    ],
    [answered('NoSuchBucket', 404), 'STORAGE_FAILED', /there is no bucket backups/, /makes no buckets/],
    [
      answered('PermanentRedirect', 301, '', { 'x-amz-bucket-region': 'eu-west-3' }),
      'STORAGE_FAILED',
      /is in eu-west-3, not in the region eu-west-1/,
      /eu-west-3/,
    ],
    [
      answered('AuthorizationHeaderMalformed', 400, "the region 'x' is wrong; expecting 'eu-west-3'"),
      'STORAGE_FAILED',
      /is in eu-west-3/,
      /AWS_REGION/,
    ],
    [
      answered('RequestTimeTooSkewed', 403, '', { date: 'Fri, 20 Nov 2026 03:00:00 GMT' }),
      'STORAGE_FAILED',
      /there 2026-11-20T03:00:00.000Z, here 2026-11-20T02:00:00.000Z/,
      /clock/,
    ],
    [answered('SlowDown', 503), 'STORAGE_FAILED', /slow down/, /limitRate/],
    [answered('QuotaExceeded', 403), 'NO_SPACE', /is full/, /prune/],
    [answered('XMinioStorageFull', 507), 'NO_SPACE', /is full/, /prune/],
    [answered('EntityTooLarge', 400), 'STORAGE_FAILED', /as large as this/, /parts/],
    [
      answered('XAmzContentSHA256Mismatch', 400, 'UnknownError'),
      'STORAGE_FAILED',
      /cannot write s3:\/\/backups\/shop\/app\/a: other bytes came there than were sent/,
      /proxy/,
    ],
    [answered('BadDigest', 400), 'STORAGE_FAILED', /other bytes/, /proxy/],
    [answered('InvalidObjectState', 403), 'STORAGE_FAILED', /archived/, /restore-object/],
    [unanswered('ENOTFOUND'), 'STORAGE_FAILED', /AWS in eu-west-1: the host is not known/, /network/],
    [unanswered('ECONNREFUSED'), 'STORAGE_FAILED', /nobody answers there/, /endpoint/],
    [unanswered('SELF_SIGNED_CERT_IN_CHAIN'), 'STORAGE_FAILED', /no trusted encrypted connection/, /caFile/],
  ])('%s', (error, code, message, hint) => {
    const told = explain(error, writing, place, now);
    expect(told).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.stringMatching(hint) });
    expect(told.message).toMatch(/^cannot write s3:\/\/backups\/shop\/app\/a: /);
    expect(told.cause).toBe(error);
  });
});

test('what nobody knows is told in the words of the store, on one line', () => {
  const { message } = explain(answered('Strange', 418, `a\nb ${'x'.repeat(1_000)}`), writing, place, now);
  expect(message).toMatch(/^cannot write s3:\/\/backups\/shop\/app\/a: Strange: a b x+ \(status 418\)$/);
  expect(message.length).toBeLessThan(400);
});

test('a region that is no word is not repeated', () => {
  const error = answered('PermanentRedirect', 301, '', { 'x-amz-bucket-region': 'evil.example/x' });
  expect(explain(error, writing, place, now).message).not.toContain('evil');
});

test('an invalid request to lock means a bucket without locks, and any other does not', () => {
  const error = answered('InvalidRequest', 400);
  expect(explain(error, { ...writing, locks: true }, place, now).message).toContain('takes no locks');
  expect(explain(error, writing, place, now).message).not.toContain('locks');
});

test('what is explained already stays as it is', () => {
  const known = new DbopsError('DAMAGED', 'x');
  expect(explain(known, writing, place, now)).toBe(known);
});
