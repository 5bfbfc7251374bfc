import { expect, test } from 'vitest';
import { parseCsv } from '../../../../../src/engines/postgres/connection/csv.ts';
import { seededRandom } from '../../../../support/seeded-random.ts';

test.each([
  ['', []],
  ['a\n', []],
  ['a\n1\n', [{ a: '1' }]],
  ['a\n\n', [{ a: '' }]],
  ['a\n""\n', [{ a: '' }]],
  ['a\nNIL\n', [{ a: null }]],
  ['a,b\n1,\n', [{ a: '1', b: '' }]],
  ['a,b\n,NIL\n', [{ a: '', b: null }]],
  ['a,b\n"x,y","say ""hi""\nthere"\n', [{ a: 'x,y', b: 'say "hi"\nthere' }]],
  [
    '"a ""b""",c\n1,2\n3,4\n',
    [
      { 'a "b"': '1', c: '2' },
      { 'a "b"': '3', c: '4' },
    ],
  ],
])('%j', (text, rows) => {
  expect(parseCsv(text, 'NIL')).toEqual(rows);
});

test('whatever the values are, they come back', () => {
  const random = seededRandom(44);
  const pieces = ['a', '"', ',', '\n', '\\', ' ', '\r', 'ü', 'NI'];
  const value = (): string | null =>
    random() % 5 === 0
      ? null
      : Array.from({ length: random() % 5 }, () => pieces[random() % pieces.length] ?? '').join('');
  const rows = Array.from({ length: 3_000 }, () => ({ one: value(), two: value(), three: value() }));
  const field = (text: string | null): string =>
    text === null ? 'NIL' : /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const text = rows.map((row) => `${[row.one, row.two, row.three].map(field).join(',')}\n`).join('');
  expect(parseCsv(`one,two,three\n${text}`, 'NIL')).toEqual(rows);
});

test('an answer that was cut short gives what came, and no more', () => {
  expect(parseCsv('a,b\n1,"half', 'NIL')).toEqual([{ a: '1', b: 'half' }]);
});
