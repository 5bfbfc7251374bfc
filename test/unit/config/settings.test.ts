import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ConfigFile } from '../../../src/config/schema.ts';
import { createSettings, type Settings } from '../../../src/config/settings.ts';
import { defaultPolicy } from '../../../src/core/retention.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const cwd = '/home/me';
const plain = (env: Record<string, string> = {}): Settings => createSettings(undefined, env, cwd);
const configured = (config: ConfigFile, env: Record<string, string> = {}): Settings =>
  createSettings({ path: '/etc/app/dbops.yaml', folder: '/etc/app', config, secrets: [] }, env, cwd);
const nameOf = (address: string): string => address.replace(/^.*\//, '');

describe('defaults', () => {
  test('without a configuration', () => {
    const settings = plain();
    expect(settings).toMatchObject({
      configPath: undefined,
      targetNames: [],
      verify: 'checksum',
      lockWaitMs: 0,
      scratchDir: undefined,
    });
    expect(settings.storageOf(undefined, undefined)).toMatchObject({ location: './backups', folder: cwd });
    expect(settings.policyOf('app', undefined)).toEqual(defaultPolicy);
  });

  test('of a database that was named by its path', () => {
    expect(plain().targetOf('data/My App.db', nameOf)).toEqual({
      name: 'my-app',
      named: false,
      address: 'data/My App.db',
      folder: cwd,
      storages: [],
      class: 'manual',
      access: {},
      dump: {},
      compress: 'zstd',
      facts: 'rows',
      protected: false,
      lockTimeoutMs: 30_000,
      checks: [],
      migrations: {
        folder: 'migrations',
        table: 'schema_migrations',
        allow: [],
        backup: 'auto',
        backupLimitBytes: 10_000_000_000,
      },
    });
  });

  test('of a database that the configuration names', () => {
    const target = configured({ targets: { app: { database: 'app.db' } }, compress: 'gzip' }).targetOf('app', nameOf);
    expect(target).toMatchObject({
      name: 'app',
      named: true,
      address: 'app.db',
      folder: '/etc/app',
      class: 'manual',
      access: {},
      dump: {},
      compress: 'gzip',
    });
  });
});

describe('the storage: flag, then target, then configuration, then BACKUP_DIR, then ./backups', () => {
  const config: ConfigFile = {
    storages: { nas: '/mnt/nas', local: './here' },
    storage: 'local',
    targets: { app: { database: 'a.db', storage: 'nas' }, other: { database: 'b.db' } },
  };
  const env = { BACKUP_DIR: '/from/env' };
  const settings = configured(config, env);
  const app = settings.configured('app');

  test.each([
    ['a folder by the flag, from the working folder', 'x/y', { location: 'x/y', folder: cwd }],
    ['a name by the flag, from the file', 'local', { location: './here', folder: '/etc/app' }],
    ['the storage of the target', undefined, { location: '/mnt/nas', folder: '/etc/app' }],
  ])('%s', (_, flag, expected) => {
    expect(settings.storageOf(app, flag)).toMatchObject(expected);
  });

  test('the general one of the configuration, before the environment', () => {
    expect(settings.storageOf(settings.configured('other'), undefined)).toMatchObject({
      location: './here',
      folder: '/etc/app',
    });
    expect(settings.storageOf(undefined, undefined)).toMatchObject({ location: './here', folder: '/etc/app' });
  });

  test('the environment where the configuration says nothing', () => {
    expect(configured({}, env).storageOf(undefined, undefined)).toMatchObject({ location: '/from/env', folder: cwd });
    expect(plain(env).storageOf(undefined, undefined)).toMatchObject({ location: '/from/env', folder: cwd });
  });

  test('a name that every object has is a folder', () => {
    expect(settings.storageOf(undefined, 'constructor')).toMatchObject({ location: 'constructor', folder: cwd });
  });
});

describe('several storages', () => {
  const offsite = {
    url: 's3://bucket/x',
    endpoint: 'https://s3.example',
    retention: { last: 9, classes: { hot: '2d' } },
  };
  const config: ConfigFile = {
    storages: { local: './here', offsite },
    storage: ['local', 'offsite'],
    retention: { daily: 14, last: 1 },
    targets: {
      app: { database: 'a.db', storages: ['offsite', '/mnt/nas'] },
      one: { database: 'b.db', storage: 'offsite', retention: { last: 3 } },
      rest: { database: 'c.db' },
    },
  };
  const settings = configured(config);
  const locations = (target: string | undefined, named: readonly string[] = []): readonly string[] =>
    settings
      .storagesOf(target === undefined ? undefined : settings.configured(target), named)
      .map(({ location }) => location);

  test.each([
    ['those of the target', 'app', [], ['s3://bucket/x', '/mnt/nas']],
    ['the one of the target', 'one', [], ['s3://bucket/x']],
    ['the default ones', 'rest', [], ['./here', 's3://bucket/x']],
    ['those of the flag, in its order', 'app', ['local', 'y'], ['./here', 'y']],
  ] as const)('%s', (_, target, named, expected) => {
    expect(locations(target, named)).toEqual(expected);
  });

  test('a reading command takes the first of them', () => {
    expect(settings.storageOf(settings.configured('rest'), undefined).location).toBe('./here');
  });

  test('what else is said of a storage goes with it', () => {
    expect(settings.storageOf(undefined, 'offsite')).toEqual({
      location: 's3://bucket/x',
      folder: '/etc/app',
      settings: { endpoint: 'https://s3.example' },
      retention: offsite.retention,
    });
  });

  test('the rules of a storage go before those of the target, which go before the general ones', () => {
    const there = settings.storageOf(undefined, 'offsite');
    expect(settings.policyOf('one', undefined, there)).toMatchObject({ daily: 14, last: 9, classes: { hot: '2d' } });
    expect(settings.policyOf('one', undefined, settings.storageOf(undefined, 'local'))).toMatchObject({ last: 3 });
    expect(settings.policyOf('rest', undefined)).toMatchObject({ daily: 14, last: 1 });
  });

  test.each([
    ['a folder and a bucket', { BACKUP_DIR: '/b', S3_BUCKET: 'bucket' }, ['/b', 's3://bucket']],
    ['a bucket alone', { S3_BUCKET: 's3://bucket/deep' }, ['s3://bucket/deep']],
  ] as const)('without a configuration the variables of scripts name %s', (_, env, expected) => {
    expect(
      plain(env)
        .storagesOf(undefined, [])
        .map(({ location }) => location),
    ).toEqual(expected);
  });
});

describe('what the environment says of an object store', () => {
  const at = (env: Record<string, string>, location = 's3://bucket'): object =>
    plain(env).storageOf(undefined, location).settings;

  test('its endpoint; a folder has none', () => {
    expect(at({ S3_ENDPOINT: 'http://127.0.0.1:9000' })).toEqual({ endpoint: 'http://127.0.0.1:9000' });
    expect(at({ S3_ENDPOINT: 'http://127.0.0.1:9000' }, './folder')).toEqual({});
    expect(at({ S3_ENDPOINT: 'http://127.0.0.1:9000' }, 'file:///folder')).toEqual({});
    expect(at({ S3_ENDPOINT: 'http://127.0.0.1:9000' }, 'gs://bucket')).toEqual({});
  });

  test.each([
    ['notaurl', /write https:\/\/host/],
    ['localhost:9000', /write https:\/\/host/],
    ['http://127.0.0.1:99999', /a port below 65536/],
    ['http://user:pw-of-user@127.0.0.1', /without a login/],
  ])('S3_ENDPOINT=%s is refused, and not shown', (endpoint, message) => {
    expect(() => at({ S3_ENDPOINT: endpoint })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringMatching(message),
        hint: expect.stringContaining('S3_ENDPOINT=https://host:port'),
      }),
    );
    expect(() => at({ S3_ENDPOINT: endpoint })).not.toThrow(endpoint);
  });

  test('credentials that are kept in files; those in variables are left to the SDK', async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, 'secret'), 'very secret\n');
    const env = { AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY_FILE: join(folder, 'secret') };
    expect(at(env)).toEqual({ accessKeyId: 'AK', secretAccessKey: 'very secret' });
    expect(at({ AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: 'x' })).toEqual({});
    expect(at({ AWS_ACCESS_KEY_ID: 'AK', AWS_SECRET_ACCESS_KEY: '', AWS_SECRET_ACCESS_KEY_FILE: '' })).toEqual({});
  });

  test('a file that cannot be read is said', () => {
    expect(() => at({ AWS_SECRET_ACCESS_KEY_FILE: '/nowhere/secret' })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('/nowhere/secret'),
        hint: expect.stringContaining('AWS_SECRET_ACCESS_KEY_FILE'),
      }),
    );
  });
});

describe('the policy: flag, then target, then configuration, then RETENTION_DAYS, then the defaults', () => {
  const config: ConfigFile = {
    retention: { daily: 14, classes: { hot: '1d', own: '5d' } },
    targets: { app: { database: 'a.db', retention: { daily: 3, last: 2, classes: { own: '9d' } } } },
  };
  const env = { RETENTION_DAYS: '10' };

  test('the rules of the target go before the general ones, class by class and rule by rule', () => {
    const { classes, ...rules } = configured(config, env).policyOf('app', undefined);
    expect(rules).toEqual({ daily: 3, last: 2 });
    expect(classes).toEqual({ ...defaultPolicy.classes, hot: '1d', own: '9d' });
    expect(configured(config, env).policyOf('other', undefined)).toMatchObject({ daily: 14, classes: { own: '5d' } });
  });

  test('the flag replaces all rules but the classes that stay for ever', () => {
    expect(configured(config, env).policyOf('app', 7)).toEqual({
      classes: { 'pre-deploy': 'forever', 'pre-rollout': 'forever' },
      within: '7d',
    });
  });

  test('RETENTION_DAYS counts where no configuration sets a rule', () => {
    for (const settings of [plain(env), configured({ storage: './b' }, env)]) {
      expect(settings.policyOf('app', undefined).within).toBe('10d');
      expect(settings.policyOf('app', 7).within).toBe('7d');
    }
  });

  test.each(['0', '-1', '1.5', 'ten', '1e3', '999999'])(
    'RETENTION_DAYS=%s is refused: a wrong limit must not delete',
    (value) => {
      expect(() => plain({ RETENTION_DAYS: value }).policyOf('app', undefined)).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('RETENTION_DAYS') }),
      );
    },
  );

  test('a target called as something that every object has gets the general rules', () => {
    expect(configured(config).policyOf('constructor', undefined)).toMatchObject({ daily: 14 });
  });
});

describe('the targets that are meant when none is named', () => {
  test('all of the configuration, else DATABASE_URL, also from its file', async () => {
    const file = join(await temporaryFolder(), 'url');
    await writeFile(file, 'sqlite:from-file.db\n');
    const config: ConfigFile = { targets: { b: { database: 'b.db' }, a: { database: 'a.db' } } };
    expect(configured(config, { DATABASE_URL: 'sqlite:x.db' }).defaultTargets()).toEqual(['b', 'a']);
    expect(configured({}, { DATABASE_URL: 'sqlite:x.db' }).defaultTargets()).toEqual(['sqlite:x.db']);
    expect(plain({ DATABASE_URL_FILE: file }).defaultTargets()).toEqual(['sqlite:from-file.db']);
  });

  test('none is a usage error that says what to do', () => {
    expect(() => plain().defaultTargets()).toThrow(
      expect.objectContaining({ code: 'USAGE', hint: expect.stringContaining('dbops init') }),
    );
  });
});

test('durations and folders are read relative to the file', () => {
  const settings = configured({ lockWait: '10m', scratchDir: 'tmp', verify: 'restore' });
  expect(settings).toMatchObject({
    lockWaitMs: 600_000,
    scratchDir: '/etc/app/tmp',
    verify: 'restore',
    configPath: '/etc/app/dbops.yaml',
  });
});
