import { isUtf8 } from 'node:buffer';
import { quoteText } from './quote.ts';
import { realLiteral } from './real-literal.ts';

/** A value other than a text as an SQL expression that gives back the same value, to the last bit and of that type. */
export function literal(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return realLiteral(value);
  return Buffer.isBuffer(value) ? `X'${value.toString('hex')}'` : 'NULL';
}

/**
 * The same for a text, which comes as its bytes because it need not be valid in `encoding`, its database's (`UTF-8`,
 * `UTF-16le`, `UTF-16be`).
 */
export function textLiteral(bytes: Buffer, encoding: string): string {
  const decoded = decode(bytes, encoding);
  // Bytes that are no text in their encoding; the script sets the encoding, so that they mean the same again.
  if (decoded === undefined) return `CAST(X'${bytes.toString('hex')}' AS TEXT)`;
  // SQL text cannot hold a NUL, and the sqlite3 program reads CR LF in a script as LF.
  return [...unspeakable].reduce(
    (sql, [character, name]) => (decoded.includes(character) ? replacing(sql, decoded, character, name) : sql),
    quoteText(hide(decoded)),
  );
}

function decode(bytes: Buffer, encoding: string): string | undefined {
  if (encoding === 'UTF-8') return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
  if (bytes.length % 2 !== 0) return undefined;
  const decoded = (encoding === 'UTF-16be' ? Buffer.from(bytes).swap16() : bytes).toString('utf16le');
  return decoded.isWellFormed() ? decoded : undefined;
}

const unspeakable = new Map([
  ['\0', 'NUL'],
  ['\r', 'CR'],
]);

function hide(decoded: string): string {
  let hidden = decoded;
  for (const [character, name] of unspeakable) hidden = hidden.replaceAll(character, markerFor(decoded, name));
  return hidden;
}

function replacing(sql: string, decoded: string, character: string, name: string): string {
  return `replace(${sql}, ${quoteText(markerFor(decoded, name))}, char(${character.codePointAt(0)}))`;
}

/** A mark that the text does not hold, and that no other mark is a part of. */
function markerFor(decoded: string, name: string): string {
  for (let number = 0; ; number++) {
    const marker = `<${name}${number === 0 ? '' : number}>`;
    if (!decoded.includes(marker)) return marker;
  }
}
