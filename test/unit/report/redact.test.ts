import { describe, expect, test } from 'vitest';
import { plain } from '../../../src/report/format.ts';
import { createRedactor } from '../../../src/report/redact.ts';

function redact(text: string, ...secrets: readonly string[]): string {
  const redactor = createRedactor();
  for (const secret of secrets) redactor.add(secret);
  return redactor.redact(text);
}

test('K2: a secret is hidden wherever it stands as a whole word', () => {
  expect(redact('a hunter2, "hunter2"=hunter2', 'hunter2')).toBe('a REDACTED, "REDACTED"=REDACTED');
  expect(redact('/srv/hunter2/app.db hunter2x xhunter2', 'hunter2')).toBe('/srv/REDACTED/app.db hunter2x xhunter2');
});

test('K2: a secret is hidden behind an escaped character too', () => {
  const escaped = [JSON.stringify('\nhunter2'), plain('\u001bhunter2'), encodeURIComponent(' hunter2')].join(' ');
  expect(redact(escaped, 'hunter2')).not.toContain('hunter2');
});

test('K2: a secret of special characters is hidden, whatever stands beside it', () => {
  expect(redact('a[b]$c.*|xyz', '[b]$c.*|')).toBe('aREDACTEDxyz');
});

test('K2: a secret is hidden as it stands in a URL and in JSON', () => {
  const secret = 'p@ss/"wörd"\n2';
  const told = [encodeURIComponent(secret), JSON.stringify({ secret }), secret].join(' | ');
  const clean = redact(told, secret);
  expect(clean).toBe('REDACTED | {"secret":"REDACTED"} | REDACTED');
});

test('K2: a secret with a colon in it is no address', () => {
  expect(redact('it was abc:def', 'abc:def')).toBe('it was REDACTED');
});

test('K2: of two secrets the longer is hidden first, so that nothing of it is left', () => {
  expect(redact('token-and-more', 'token', 'token-and-more')).toBe('REDACTED');
});

test.each([
  ['postgres://me:hunter2@db:5432/app', 'postgres://me:REDACTED@db:5432/app'],
  ['postgres://me:p@ss@db/app', 'postgres://me:REDACTED@db/app'],
  ['postgres://:hunter2@db', 'postgres://:REDACTED@db'],
  ['s3+https://key:secret@host/bucket failed', 's3+https://key:REDACTED@host/bucket failed'],
  ['two: a://b:cccc@d and e://f:gggg@h', 'two: a://b:REDACTED@d and e://f:REDACTED@h'],
  ['https://host:8080/a?b=c@d', 'https://host:8080/a?b=c@d'],
  ['postgres://me@db/app', 'postgres://me@db/app'],
  ['mail me@example.org at 10:30', 'mail me@example.org at 10:30'],
])('K2: passwords in addresses are hidden by their place: %s', (text, clean) => {
  expect(redact(text)).toBe(clean);
});

test('K2: the password of an address that is a secret is hidden where it stands alone, encoded or not', () => {
  const url = 'postgres://me:hunter%402@db/app';
  expect(redact('refused "hunter@2", sent hunter%402', url)).toBe('refused "REDACTED", sent REDACTED');
  expect(redact('the database app on db', url)).toBe('the database app on db');
});

test.each(['yes', '', 'false', '100000', '-12345.5', 'null', 'short'])(
  '%j is no secret: it occurs everywhere',
  (word) => {
    expect(redact(`a ${word} is a ${word}`, word)).toBe(`a ${word} is a ${word}`);
  },
);

test('the mask means nothing to a shell', () => {
  expect(redact('hunter2', 'hunter2')).toMatch(/^\w+$/);
});

describe('a document', () => {
  const redactor = createRedactor();
  ['message', 'secret', 'manual', '20261120', 'hunter2'].forEach(redactor.add);

  test('K2: keeps its members, numbers and truth, and loses secrets in its strings', () => {
    const document = { ok: true, message: 'no hunter2 here', hint: null, bytes: 20261120, secret: ['a "hunter2"'] };
    expect(JSON.parse(redactor.redactJson(document))).toEqual({
      ...document,
      message: 'no REDACTED here',
      secret: ['a "REDACTED"'],
    });
  });

  test('keeps places, ids and commands as they are, and hides the password of an address', () => {
    const undo = "rm -f '/srv/hunter2/app.db-wal' && mv /srv/hunter2/kept /srv/hunter2/app.db";
    const document = { undo, id: '20261120', class: 'manual', removed: ['hunter2'], into: '/srv/hunter2/x://a:b@c' };
    expect(JSON.parse(redactor.redactJson(document))).toEqual(document);
    expect(redactor.redactJson({ storage: 's3://key:hunter2@host' })).toBe('{"storage":"s3://key:REDACTED@host"}');
  });
});
