/** Bytes that the scanner and the tokenizer tell apart. */
export const byte = {
  tab: 9,
  newline: 10,
  carriageReturn: 13,
  doubleQuote: 34,
  dollar: 36,
  singleQuote: 39,
  open: 40,
  close: 41,
  star: 42,
  minus: 45,
  dot: 46,
  slash: 47,
  colon: 58,
  semicolon: 59,
  bracket: 91,
  backslash: 92,
  bracketEnd: 93,
  underscore: 95,
  backtick: 96,
} as const;

const SPACE = 1;
const LETTER = 2;
const DIGIT = 4;

const kinds = new Uint8Array(256);
for (const code of [9, 10, 11, 12, 13, 32]) kinds[code] = SPACE;
for (let code = 0x30; code <= 0x39; code++) kinds[code] = DIGIT;
for (let code = 0x41; code <= 0x5a; code++) kinds[code] = kinds[code + 32] = LETTER;
kinds[byte.underscore] = LETTER;
// Every byte beyond ASCII belongs to a word, whatever the encoding.
for (let code = 0x80; code <= 0xff; code++) kinds[code] = LETTER;

export const isSpace = (code: number): boolean => kinds[code] === SPACE;
export const isLetter = (code: number): boolean => kinds[code] === LETTER;
export const isDigit = (code: number): boolean => kinds[code] === DIGIT;
/** A letter, a digit or an underscore: what may stand in a tag or a variable's name. */
export const isWord = (code: number): boolean => ((kinds[code] ?? 0) & (LETTER | DIGIT)) !== 0;

/** How many lines end between two places of a buffer. */
export function countLines(bytes: Uint8Array, from: number, to: number): number {
  let lines = 0;
  for (let at = from; at < to; at++) if (bytes[at] === byte.newline) lines++;
  return lines;
}
