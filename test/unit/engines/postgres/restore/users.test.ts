import { expect, test } from 'vitest';
import { usersOf } from '../../../../../src/engines/postgres/restore/users.ts';

test('who uses a database is told in words', async () => {
  const rows = [
    { role: 'app', application: 'web', address: '10.0.0.1', connections: '7' },
    { role: 'me', application: '', address: null, connections: '1' },
    { role: null, application: null, address: null, connections: '1' },
  ];
  const said: string[] = [];
  const users = await usersOf(async (sql) => (said.push(sql), rows), "o'shop");
  expect(users).toEqual(['web as app from 10.0.0.1 (7 connections)', 'a program as me', 'a program as nobody']);
  expect(said.join('')).toContain("'o''shop'");
});
