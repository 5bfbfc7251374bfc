import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { StorageSettings } from '../../../../src/core/storage-settings.ts';
import { toClientSettings } from '../../../../src/storage/s3/client-settings.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

type Environment = Readonly<Record<string, string>>;

function settingsOf(
  settings: StorageSettings,
  env: Environment = {},
  folder = '/',
): ReturnType<typeof toClientSettings> {
  return toClientSettings({ location: 's3://bucket', folder, settings }, env);
}

describe('what is not said', () => {
  test('is meant for AWS without an endpoint', () => {
    expect(settingsOf({})).toMatchObject({ region: 'us-east-1', pathStyle: false, checksums: 'WHEN_SUPPORTED' });
  });

  test('is meant for stores of all kinds with one', () => {
    const settings = settingsOf({ endpoint: 'https://store.example' });
    expect(settings).toMatchObject({ pathStyle: true, checksums: 'WHEN_REQUIRED' });
  });

  test.each([
    [{}, 'us-east-1'],
    [{ AWS_DEFAULT_REGION: 'eu-west-1' }, 'eu-west-1'],
    [{ AWS_REGION: 'eu-west-2', AWS_DEFAULT_REGION: 'eu-west-1' }, 'eu-west-2'],
    [{ AWS_REGION: '' }, 'us-east-1'],
  ])('the region comes from %j', (env: Environment, region) => {
    expect(settingsOf({}, env).region).toBe(region);
  });
});

describe('plain http', () => {
  test.each(['http://127.0.0.1:9000', 'http://127.5.5.5', 'http://localhost:1', 'http://[::1]:9000'])(
    '%s is this machine',
    (endpoint) => {
      expect(settingsOf({ endpoint }).endpoint).toBe(endpoint);
    },
  );

  test.each([
    'http://store.example',
    'http://10.0.0.1',
    'http://127.0.0.1.example',
    'http://localhost.example',
    'http://[::2]',
  ])('%s is refused', (endpoint) => {
    expect(() => settingsOf({ endpoint })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', hint: expect.stringContaining('https://') }),
    );
  });
});

test.each<StorageSettings>([
  { accessKeyId: 'only' },
  { secretAccessKey: 'only' },
  { sessionToken: 'only' },
  { accessKeyId: 'a', secretAccessKey: 'b', profile: 'c' },
  { lockMode: 'compliance' },
  { kmsKeyId: 'key' },
  { kmsKeyId: 'key', serverSideEncryption: 'AES256' },
  { caFile: '/nowhere/ca.pem' },
])('%j cannot be honoured', (settings) => {
  expect(() => settingsOf(settings)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
});

test('certificates are trusted beside the usual ones, and their file stands relative to the configuration', async () => {
  const folder = await temporaryFolder();
  const pem = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
  await writeFile(join(folder, 'ca.pem'), pem);
  const { trusted } = settingsOf({ caFile: 'ca.pem' }, {}, folder);
  expect(trusted?.length).toBeGreaterThan(1);
  expect(trusted).toContain(pem);
  await writeFile(join(folder, 'key.pem'), 'no certificate');
  expect(() => settingsOf({ caFile: 'key.pem' }, {}, folder)).toThrow(/holds no certificate/);
});

test('a proxy of the environment counts where none is configured', () => {
  expect(settingsOf({}, { HTTPS_PROXY: 'http://proxy:1' }).proxyFromEnvironment).toBe(true);
  expect(settingsOf({ proxy: 'http://other:1' }, { HTTPS_PROXY: 'http://proxy:1' })).toMatchObject({
    proxy: 'http://other:1',
    proxyFromEnvironment: false,
  });
  expect(settingsOf({}).proxyFromEnvironment).toBe(false);
});
