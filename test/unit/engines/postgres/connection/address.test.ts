import { describe, expect, test } from 'vitest';
import {
  connectionString,
  formatAddress,
  isPostgresAddress,
  parseAddress,
  type Parameters,
} from '../../../../../src/engines/postgres/connection/address.ts';
import { postgresDriver } from '../../../../../src/engines/postgres/driver.ts';
import { seededRandom } from '../../../../support/seeded-random.ts';

describe('an address is read as libpq reads it', () => {
  test.each<[string, Parameters, string?]>([
    ['postgresql://', {}],
    ['postgres://db/shop', { host: 'db', dbname: 'shop' }],
    ['POSTGRES://db', { host: 'db' }],
    [' postgresql://db/shop\n', { host: 'db', dbname: 'shop' }],
    ['postgresql:///shop?host=/run/postgresql', { dbname: 'shop', host: '/run/postgresql' }],
    ['postgresql://%2Frun%2Fpostgresql:5433/shop', { host: '/run/postgresql', port: '5433', dbname: 'shop' }],
    ['postgresql://[2001:db8::1]:5433/shop', { host: '2001:db8::1', port: '5433', dbname: 'shop' }],
    ['postgresql://[fe80::1%25eth0]/shop', { host: 'fe80::1%eth0', dbname: 'shop' }],
    ['postgresql://one:1,two,[::1]:3/shop', { host: 'one,two,::1', port: '1,,3', dbname: 'shop' }],
    ['postgresql://me:s3cret@db/shop', { user: 'me', host: 'db', dbname: 'shop' }, 's3cret'],
    ['postgresql://me:p@ss:w@rd@db/shop', { user: 'me', host: 'db', dbname: 'shop' }, 'p@ss:w@rd'],
    ['postgresql://me%40corp:p%40%2F%3A%25@db/a%20b', { user: 'me@corp', host: 'db', dbname: 'a b' }, 'p@/:%'],
    ['postgresql://me:100%@db/shop', { user: 'me', host: 'db', dbname: 'shop' }, '100%'],
    ['postgresql://me:a#b;c d@db/shop', { user: 'me', host: 'db', dbname: 'shop' }, 'a#b;c d'],
    ['postgresql://me:@db/shop', { user: 'me', host: 'db', dbname: 'shop' }],
    ['postgresql://db/shop?user=me&password=a%26b', { host: 'db', dbname: 'shop', user: 'me' }, 'a&b'],
    ['postgresql://db/shop?ssl=true', { host: 'db', dbname: 'shop', sslmode: 'require' }],
    ['service=shop', { service: 'shop' }],
    ["  host = db dbname='my shop' user=o\\'brien", { host: 'db', dbname: 'my shop', user: "o'brien" }],
    [String.raw`dbname='a\'b\\c' password='x y'`, { dbname: String.raw`a'b\c` }, 'x y'],
    ["host=db password=it's", { host: 'db' }, "it's"],
    ["dbname='' host=db", { dbname: '', host: 'db' }],
  ])('%s', (address, parameters, password) => {
    expect(parseAddress(address)).toEqual({ parameters, password });
  });

  test('and what only libraries of applications understand is left out', () => {
    const orm = 'postgresql://db/shop?schema=public&connection_limit=5&pgbouncer=true&pool_timeout=9&sslmode=require';
    expect(parseAddress(orm).parameters).toEqual({ host: 'db', dbname: 'shop', sslmode: 'require' });
  });

  test('and the last of two values counts', () => {
    expect(parseAddress('postgresql://me@db/shop?user=you&dbname=other').parameters).toEqual({
      user: 'you',
      host: 'db',
      dbname: 'other',
    });
  });
});

describe('what cannot be read is refused', () => {
  test.each([
    'postgresql:shop',
    'postgresql://db:port/shop',
    'postgresql://[::1/shop',
    'postgresql://db/shop?sslmode',
    'postgresql://db/shop?=x',
    'postgresql://db/shop?shmod=1',
    'postgresql://db/a%00b',
    'postgresql://db/a%0Ab',
    'host=db shop',
    "host=db password='open",
    'host=db __proto__=x',
    'dbname=\ud800',
  ])('%j', (address) => {
    expect(() => parseAddress(address)).toThrow(
      expect.objectContaining({ name: 'DbopsError', code: 'USAGE', hint: expect.stringContaining('PGPASSWORD') }),
    );
  });

  test('and an unknown setting is named where it cannot be a piece of a password', () => {
    const unknown =
      (text: string): (() => unknown) =>
      () =>
        parseAddress(text);
    expect(unknown('postgresql://me:secret@db/shop?shmod=1')).toThrow('it has an unknown setting "shmod"');
    expect(unknown('dbname=shop shmod=1')).toThrow('it has an unknown setting "shmod"');
  });
});

// Each holds the word in a password that somebody did not encode, at every place where that misleads a reader of URIs.
const careless = [
  'postgresql://me:hunter2/x@db/shop',
  'postgresql://me:x/hunter2@db/shop',
  'postgresql://me:5432/hunter2@db/shop',
  'postgresql://me:5432/x?hunter2=1@db/shop',
  'postgresql://me:5432?hunter2=1@db/shop',
  'postgresql://me:x@y/hunter2@db/shop',
  'postgresql://me:x@y?hunter2=z@db/shop',
  'postgresql://me:hunter2?x@db/shop',
  'postgresql://me:[hunter2@db:/shop',
  'postgresql://me@db:hunter2/shop',
  'postgresql:me:hunter2@db/shop',
  'password=hunter2 host=db shop',
  'host=db password=my hunter2=1',
  'host=db password=my hunter2',
  "host=db password='my hunter2",
  'password=hunter2\nx=1 host=db',
  'postgresql://me:hunter2@db/shop?shmod=1',
  'postgresql://db/shop?password=hunter2&shmod=1',
  'postgresql://me:hunter2%0A@db/shop',
];

test.each(careless)('nothing that is said of %j holds its password', (address) => {
  expect(isPostgresAddress(address)).toBe(true);
  expect(said(address)).not.toContain('hunter2');
});

function said(address: string): string {
  try {
    const { location } = postgresDriver.locate(address, '/');
    return `${location} ${postgresDriver.nameOf(location)}`;
  } catch (error) {
    const { message, hint, stack, cause } = error as Error & { hint?: string };
    return `${message} ${hint} ${stack} ${JSON.stringify(cause)}`;
  }
}

test.each([
  ['port=5432 dbname=shop', true],
  ['password=x host=db', true],
  ['user=me', true],
  ['PostgreSQL://db', true],
  ['postgis://db', false],
  ['postgresql+asyncpg://db/shop', false],
  ['app.db', false],
  ['hosts=1.db', false],
])('%s is an address of PostgreSQL: %s', (address, expected) => {
  expect(isPostgresAddress(address)).toBe(expected);
});

describe('whatever the parameters are', () => {
  const random = seededRandom(5_432);
  const pick = <T>(list: readonly T[], otherwise: T): T => list[random() % list.length] ?? otherwise;
  const pieces = [
    'a',
    'Z',
    '0',
    ' ',
    '@',
    '/',
    ':',
    '%',
    '%41',
    '?',
    '#',
    '&',
    '=',
    "'",
    '"',
    '\\',
    ',',
    '[',
    ']',
    'ü',
    '😀',
    '\t',
  ];
  const text = (): string => Array.from({ length: 1 + (random() % 6) }, () => pick(pieces, 'a')).join('');
  const host = (): string =>
    pick(['db', '127.0.0.1', '::1', 'fe80::1%eth0', '/run/pg', '/a,b', '@abstract', 'x y'], 'db');
  const places = (): Parameters => {
    const hosts = Array.from({ length: 1 + (random() % 3) }, host);
    const port = pick(
      [undefined, '5432', hosts.map(() => '5433').join(','), hosts.map(() => '').join(','), 'odd'],
      undefined,
    );
    return { host: hosts.join(','), ...(port === undefined ? {} : { port }) };
  };
  const cases = Array.from({ length: 2_000 }, (): Parameters => {
    const given = Object.fromEntries(
      ['user', 'dbname', 'options', 'sslrootcert', 'application_name', 'service'].flatMap((keyword) =>
        random() % 2 === 0 ? [[keyword, text()]] : [],
      ),
    );
    return random() % 4 === 0 ? given : { ...given, ...places() };
  });

  test('the address that is shown gives them again', () => {
    expect(cases.map((parameters) => parseAddress(formatAddress(parameters)).parameters)).toEqual(cases);
  });

  test('the words for programs give them again', () => {
    expect(cases.map((parameters) => parseAddress(connectionString(parameters)).parameters)).toEqual(
      cases.map((parameters) => parameters),
    );
  });

  test('a password comes in by an address, and stands in nothing that is made of it', () => {
    for (const parameters of cases) {
      const secret = `hunter2${text()}`;
      const address = `${formatAddress(parameters).replace(/\?.*$/, '')}?password=${encodeURIComponent(secret)}`;
      const found = parseAddress(address);
      expect(found.password).toBe(secret);
      expect(formatAddress(found.parameters) + connectionString(found.parameters)).not.toContain('hunter2');
    }
  });
});

test('a long hostile address is read in no time', () => {
  const started = performance.now();
  for (const piece of ['@', ':', '[', '%', '&a=', ' ', "a='\\", '=', ',']) {
    for (const start of ['postgresql://', 'postgresql:///x?a=', 'host=', "host='"]) said(start + piece.repeat(20_000));
  }
  expect(performance.now() - started).toBeLessThan(5_000);
});

test('another database of the same server has the same address but for its name', () => {
  const address = 'postgresql://me:secret@db:5433/shop?sslmode=require';
  expect(postgresDriver.locate(address, '/', 'a/b @c')).toEqual({
    location: 'postgresql://me@db:5433/a%2Fb%20%40c?sslmode=require',
    password: 'secret',
  });
});
