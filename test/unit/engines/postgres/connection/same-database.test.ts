import { expect, test } from 'vitest';
import { isSameDatabase } from '../../../../../src/engines/postgres/connection/same-database.ts';

const environment = { PGHOST: 'db.example', PGPORT: '6000', PGDATABASE: 'shop', USER: 'ann' };

test.each([
  ['another role', 'postgresql://a@db/shop', 'postgresql://b@db/shop'],
  ['the port that is the default', 'postgresql://db:5432/shop', 'postgresql://db/shop'],
  ['capitals in the host', 'postgresql://DB.Example./shop', 'postgresql://db.example/shop'],
  ['names of this machine', 'postgresql://localhost/shop', 'postgresql://127.0.0.1/shop'],
  ['IPv6 and none at all', 'postgresql://[::1]/shop', 'postgresql:///shop'],
  ['a socket and a name', 'postgresql:///shop?host=/run/postgresql', 'postgresql://localhost/shop'],
  ['a slash at the end', 'postgresql:///shop?host=/run/pg/', 'postgresql:///shop?host=/run/pg'],
  ['one of several hosts', 'postgresql://a,db:5433/shop', 'postgresql://db:5433/shop'],
  ['the name of the role', 'postgresql://shop@db', 'postgresql://ann@db/shop'],
  ['settings', 'postgresql://db/shop?sslmode=require', 'postgresql://db/shop'],
  ['a service', 'service=shop dbname=a', 'dbname=a service=shop user=x'],
])('%s make no other database', (_what, one, other) => {
  expect(isSameDatabase(one, other, {})).toBe(true);
  expect(isSameDatabase(other, one, {})).toBe(true);
});

test.each([
  ['name', 'postgresql://db/shop', 'postgresql://db/Shop'],
  ['host', 'postgresql://a/shop', 'postgresql://b/shop'],
  ['port', 'postgresql://db:5433/shop', 'postgresql://db/shop'],
  ['folder of the socket', 'postgresql:///shop?host=/run/a', 'postgresql:///shop?host=/run/b'],
  ['service', 'service=a dbname=shop', 'service=b dbname=shop'],
])('another %s makes another database', (_what, one, other) => {
  expect(isSameDatabase(one, other, {})).toBe(false);
});

test('what an address does not say is taken from the variables of libpq', () => {
  expect(isSameDatabase('postgresql://db.example:6000/shop', 'postgresql://', environment)).toBe(true);
  expect(isSameDatabase('postgresql://db.example/shop', 'postgresql://other:6000/shop', environment)).toBe(false);
});
