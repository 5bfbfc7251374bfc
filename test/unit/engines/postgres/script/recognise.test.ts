import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { recognisesScript } from '../../../../../src/engines/postgres/script/recognise.ts';

test.each([
  '--\n-- PostgreSQL database dump\n--\n',
  '\u{feff}-- a',
  '\n\n  SET x = 1;',
  '/* mysql */ CREATE TABLE t (a int);',
  'BEGIN;',
  'insert into t values (1);',
  '\\restrict abc\n',
  '\\connect a\n',
  '-- größe',
])('%j looks like SQL', (text) => {
  expect(recognisesScript(Buffer.from(text))).toBe(true);
});

test('Latin-1 looks like SQL, and a head may end in a character', () => {
  expect(recognisesScript(Buffer.from('-- gr\u00f6\u00dfe', 'latin1'))).toBe(true);
  expect(recognisesScript(Buffer.from('-- ö').subarray(0, 4))).toBe(true);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['white space', Buffer.from(' \n')],
  ['HTML', Buffer.from('<!DOCTYPE html><title>404</title>')],
  ['JSON', Buffer.from('{"error": "not found"}')],
  ['gzip', gzipSync('SELECT 1;')],
  ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 1, 2])],
  ['an archive of pg_dump', Buffer.from('PGDMP\u0001\u000e\u0000')],
  ['SQLite', Buffer.from('SQLite format 3\0')],
  ['UTF-16', Buffer.from('\u{feff}SELECT 1;', 'utf16le')],
  ['words', Buffer.from('Settings: create')],
  ['SQL with a byte 0', Buffer.from('SELECT 1;\0')],
])('%s does not', (_, head) => {
  expect(recognisesScript(head)).toBe(false);
});
