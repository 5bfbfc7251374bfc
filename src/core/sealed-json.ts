import { createHash } from 'node:crypto';
import { DbopsError } from './errors.ts';

const sealName = 'sha256OfTheAbove';
const sealPattern = new RegExp(`,\\n  "${sealName}": "([0-9a-f]{64})"\\n}\\n$`);

/**
 * Writes a document as JSON that carries its own digest: two-space indentation, the seal as the last member, one
 * final newline. The digest covers every byte before the comma that precedes the seal (docs/format.md), so that any
 * changed byte of the file is noticed by reading it, without a second file.
 */
export function seal(document: object): Buffer {
  const body = bodyOf(document);
  return Buffer.from(`${body},\n  "${sealName}": "${digest(body)}"\n}\n`);
}

/**
 * Reads a sealed document.
 * @throws DbopsError DAMAGED when a byte differs from what was written, or when it is no JSON object.
 */
export function unseal(bytes: Uint8Array, name: string): Readonly<Record<string, unknown>> {
  const text = Buffer.from(bytes).toString('utf8');
  const match = sealPattern.exec(text);
  const body = match === null ? undefined : text.slice(0, match.index);
  // The comparison of bytes catches what decoding hides: an invalid sequence becomes U+FFFD in `text`.
  if (body === undefined || digest(body) !== match?.[1] || !Buffer.from(text).equals(bytes)) {
    throw new DbopsError('DAMAGED', `${name} does not match its own checksum`, {
      hint: 'The file was cut or changed after it was written; restore it from another copy of the storage.',
    });
  }
  return parse(body, name);
}

/**
 * What was not written by `seal` is refused although its digest is right: a key that occurs twice, a number that no
 * double holds or nesting without end mean one thing to this program and another to the next.
 */
function parse(body: string, name: string): Record<string, unknown> {
  try {
    const document = JSON.parse(`${body}\n}`) as Record<string, unknown>;
    if (bodyOf(document) === body) return document;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
  }
  throw new DbopsError('DAMAGED', `${name} was not written by dbops, although its checksum is right`, {
    hint: 'Somebody made or edited this file; do not trust this backup.',
  });
}

function bodyOf(document: object): string {
  return JSON.stringify(document, null, 2).replace(/\n}$/, '');
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
