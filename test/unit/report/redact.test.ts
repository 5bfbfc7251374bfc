import { expect, test } from 'vitest';
import { createRedactor } from '../../../src/report/redact.ts';

function redact(text: string, ...secrets: readonly string[]): string {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor.redact(text);
}

test('K2: a secret is hidden wherever it occurs', () => {
  expect(redact('a hunter2 and xhunter2x', 'hunter2')).toBe('a ***** and x*****x');
});

test('K2: a secret is hidden as it stands in a URL and in JSON', () => {
  const secret = 'p@ss/"wörd"\n2';
  const told = [encodeURIComponent(secret), JSON.stringify({ secret }), secret].join(' | ');
  const clean = redact(told, secret);
  expect(clean).toBe('***** | {"secret":"*****"} | *****');
});

test('K2: a secret with a colon in it is no address', () => {
  expect(redact('it was abc:def', 'abc:def')).toBe('it was *****');
});

test('K2: of two secrets the longer is hidden first, so that nothing of it is left', () => {
  expect(redact('token-and-more', 'token', 'token-and-more')).toBe('*****');
});

test.each([
  ['postgres://me:hunter2@db:5432/app', 'postgres://me:*****@db:5432/app'],
  ['postgres://me:p@ss@db/app', 'postgres://me:*****@db/app'],
  ['postgres://:hunter2@db', 'postgres://:*****@db'],
  ['s3+https://key:secret@host/bucket failed', 's3+https://key:*****@host/bucket failed'],
  ['two: a://b:cccc@d and e://f:gggg@h', 'two: a://b:*****@d and e://f:*****@h'],
  ['https://host:8080/a?b=c@d', 'https://host:8080/a?b=c@d'],
  ['postgres://me@db/app', 'postgres://me@db/app'],
  ['mail me@example.org at 10:30', 'mail me@example.org at 10:30'],
])('K2: passwords in addresses are hidden by their place: %s', (text, clean) => {
  expect(redact(text)).toBe(clean);
});

test('K2: the password of an address that is a secret is hidden where it stands alone, encoded or not', () => {
  const url = 'postgres://me:hunter%402@db/app';
  expect(redact('refused "hunter@2", sent hunter%402', url)).toBe('refused "*****", sent *****');
  expect(redact('the database app on db', url)).toBe('the database app on db');
});

test('words too short to be secrets are not hidden: they occur everywhere', () => {
  expect(redact('a yes is a yes', 'yes', '')).toBe('a yes is a yes');
});
