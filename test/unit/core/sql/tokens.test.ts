import { expect, test } from 'vitest';
import { decode, tokensOf } from '../../../../src/core/sql/tokens.ts';

const read = (statement: string): string =>
  tokensOf(Buffer.from(statement))
    .map(({ type, text, depth }) => `${type[0]}${depth}:${decode(text)}`)
    .join(' ');

test.each([
  ['SELECT Ä1$', 'w0:select w0:Ä1$'],
  [`'it''s' "a""b"`, `s0:it's n0:a"b`],
  [String.raw`E'a\'b\\' U&'x'`, String.raw`s0:a'b\ w0:u s0:& s0:x`],
  ['$$a$b$$ $t$ $$ $t$ $1', 's0:a$b s0: $$  s0:$ w0:1'],
  ['f(a, (b)) -- c\n/* d /* e */ */ g', 'w0:f s0:( w1:a s1:, s1:( w2:b s1:) s0:) w0:g'],
  ["a 'open", 'w0:a'],
])('%s', (statement, tokens) => {
  expect(read(statement)).toBe(tokens);
});

test('what is not UTF-8 is read as Latin-1', () => {
  expect(decode(Buffer.from([0x67, 0xf6]).toString('latin1'))).toBe('gö');
});
