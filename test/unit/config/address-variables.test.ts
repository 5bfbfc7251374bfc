import { describe, expect, test } from 'vitest';
import { addressIn } from '../../../src/config/address-variables.ts';
import { parseAddress } from '../../../src/engines/postgres/connection/address.ts';

const from = (env: Record<string, string>): string | undefined => addressIn((name) => env[name]);

describe('the environment names a database', () => {
  test.each<[string, Record<string, string>, string | undefined]>([
    ['not at all', {}, undefined],
    ['by one variable', { DATABASE_URL: 'postgresql://db/shop' }, 'postgresql://db/shop'],
    ['of any kind', { DATABASE_URL: 'sqlite:app.db' }, 'sqlite:app.db'],
    [
      'by the direct way before the pooler',
      { DATABASE_URL: 'postgres://pool', DIRECT_URL: 'postgres://db' },
      'postgres://db',
    ],
    ['by a whole address before pieces', { DATABASE_URL: 'app.db', DATABASE_NAME: 'x', PGDATABASE: 'y' }, 'app.db'],
    ['by its name alone', { DATABASE_NAME: 'shop' }, 'postgresql:///shop'],
    [
      'by pieces before the variables of libpq',
      { DATABASE_HOST: 'db', DATABASE_PORT: '5433', DATABASE_USER: 'me', DATABASE_NAME: 'shop', PGDATABASE: 'x' },
      'postgresql://me@db:5433/shop',
    ],
    ['not by pieces without a name', { DATABASE_HOST: 'db', DATABASE_PASSWORD: 'secret' }, undefined],
    ['by libpq', { PGDATABASE: 'my shop' }, 'postgresql:///my%20shop'],
    ['by the service of libpq', { PGSERVICE: 'shop', PGDATABASE: 'x' }, 'postgresql://?service=shop'],
    ['by the host of libpq', { PGHOST: 'db' }, 'postgresql:///'],
    ['by host and user of libpq', { PGHOST: 'db', PGUSER: 'me' }, 'postgresql:///me'],
    ['not by a user or password of libpq alone', { PGUSER: 'me', PGPASSWORD: 'secret' }, undefined],
  ])('%s', (_, env, address) => {
    expect(from(env)).toBe(address);
  });
});

test.each(['p@ss word/%:#?', "it's", '100%', 'ü😀', ':', 'a=b&c'])('any piece may hold %s', (piece) => {
  const address = from({
    DATABASE_NAME: piece,
    DATABASE_USER: piece,
    DATABASE_PASSWORD: piece,
    DATABASE_HOST: '/run/pg',
  });
  expect(parseAddress(address ?? '')).toEqual({
    parameters: { user: piece, dbname: piece, host: '/run/pg' },
    password: piece,
  });
});

test('a password without a user goes to whom the system says', () => {
  expect(parseAddress(from({ DATABASE_NAME: 'shop', DATABASE_PASSWORD: 'secret' }) ?? '')).toEqual({
    parameters: { dbname: 'shop' },
    password: 'secret',
  });
});

test('a host that is an address of IPv6 is one', () => {
  expect(
    parseAddress(from({ DATABASE_NAME: 'shop', DATABASE_HOST: '::1', DATABASE_PORT: '5433' }) ?? '').parameters,
  ).toEqual({
    dbname: 'shop',
    host: '::1',
    port: '5433',
  });
});
