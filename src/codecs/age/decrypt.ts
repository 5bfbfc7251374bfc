import { addAbortSignal, Readable } from 'node:stream';
import { DbopsError, messageOf } from '../../core/errors.ts';
import type { Identity, Keyring } from '../../core/ports/keys.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import { withoutArmor } from './armor.ts';
import { ARMOR_BEGIN, findHeader, NONCE_BYTES, recipientTypes } from './format.ts';
import { openHeader, recipientOf } from './header.ts';
import { decryptBlocks, payloadKey } from './payload.ts';
import { canUse, decryptByProgram, type AgeProgram } from './program.ts';

interface Tools {
  readonly keyring: Keyring;
  readonly program: AgeProgram | undefined;
}

/**
 * Decrypts a file, in bytes or in letters.
 * The stream fails with DbopsError KEY_MISSING, KEY_REFUSED or DAMAGED.
 */
export function decrypt(source: Readable, tools: Tools, options: CallOptions): Readable {
  const stream = Readable.from(decrypted(source as AsyncIterable<Buffer>, tools, options), {
    objectMode: false,
    highWaterMark: 1 << 18,
  });
  stream.once('close', () => source.destroy());
  return addAbortSignal(options.signal, stream);
}

async function* decrypted(source: AsyncIterable<Buffer>, tools: Tools, options: CallOptions): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  let head = await take(chunks, Buffer.alloc(0), ARMOR_BEGIN.length);
  let rest = chunks;
  if (head.toString('latin1').startsWith(ARMOR_BEGIN)) {
    rest = withoutArmor(following(head, chunks));
    head = Buffer.alloc(0);
  }
  let state = findHeader(head);
  while (state.type === 'more') {
    const { value, done } = await rest.next();
    if (done === true) throw damaged('it was cut short: its header has no end');
    head = Buffer.concat([head, value]);
    state = findHeader(head);
  }
  if (state.type === 'wrong') throw damaged(state.reason);
  head = await take(rest, head, state.bytes + NONCE_BYTES);
  yield* content({ head, headerBytes: state.bytes, rest }, tools, options);
}

interface Begun {
  readonly head: Buffer;
  readonly headerBytes: number;
  readonly rest: AsyncIterator<Buffer>;
}

async function* content(
  { head, headerBytes, rest }: Begun,
  tools: Tools,
  options: CallOptions,
): AsyncGenerator<Buffer> {
  const header = head.subarray(0, headerBytes);
  const types = recipientTypes(header);
  const keys = await keysFor(types, tools.keyring, options);
  const fileKey = await openHeader(header, keys.identities, keys.passphrase);
  if (fileKey !== undefined) {
    const start = headerBytes + NONCE_BYTES;
    if (head.length < start) throw damaged('it was cut short: its content is missing');
    const blocks = following(head.subarray(start), rest);
    return yield* decryptBlocks(payloadKey(fileKey, head.subarray(headerBytes, start)), blocks, start);
  }
  const files = keys.identities.flatMap(({ file }) => file ?? []);
  if (files.length === 0 || !types.some(isForProgram)) throw await refused(keys);
  if (tools.program === undefined || !(await canUse(tools.program))) throw needsProgram();
  return yield* byProgram(tools.program, files, Readable.from(following(head, rest), { objectMode: false }), options);
}

interface Keys {
  readonly identities: readonly Identity[];
  readonly passphrase: string | undefined;
}

/** A file that is encrypted by a passphrase has no other recipient. */
async function keysFor(types: readonly string[], keyring: Keyring, options: CallOptions): Promise<Keys> {
  if (types.includes('scrypt')) {
    const passphrase = await keyring.passphrase(options);
    if (passphrase !== undefined) return { identities: [], passphrase };
    throw new DbopsError('KEY_MISSING', 'it is encrypted with a passphrase, and none was given', {
      hint: 'Set DBOPS_AGE_PASSPHRASE_FILE, or encryption.passphraseCommand, or run this at a terminal.',
    });
  }
  const identities = await keyring.identities(options);
  if (identities.length > 0) return { identities, passphrase: undefined };
  throw new DbopsError('KEY_MISSING', 'it is encrypted, and no identity was given', {
    hint: 'Name the file of the secret key with --identity, DBOPS_AGE_IDENTITY_FILE or encryption.identities.',
  });
}

function isForProgram(type: string): boolean {
  return type !== 'X25519' && type !== 'scrypt' && type !== 'mlkem768x25519';
}

async function refused({ identities, passphrase }: Keys): Promise<DbopsError> {
  if (passphrase !== undefined) {
    return new DbopsError('KEY_REFUSED', 'it is encrypted with another passphrase than the one that was given', {
      hint: 'Give the passphrase of the time when it was made.',
    });
  }
  const tried = await Promise.all(identities.map(describe));
  return new DbopsError('KEY_REFUSED', `it is encrypted for another key; tried: ${tried.join(', ')}`, {
    hint: 'Name the file of the right secret key with --identity.',
  });
}

/** The public keys tell which ones they are. */
async function describe({ label, secrets }: Identity): Promise<string> {
  const known = await Promise.all(secrets.map(recipientOf));
  const recipients = known.filter((recipient) => recipient !== undefined);
  return recipients.length === 0 ? label : `${label} (${recipients.join(', ')})`;
}

function needsProgram(): DbopsError {
  return new DbopsError('TOOL_MISSING', 'it is encrypted for a key that only the age program can use', {
    hint: 'Install it: apt-get install age',
  });
}

async function* byProgram(
  program: AgeProgram,
  files: readonly string[],
  source: Readable,
  { signal }: CallOptions,
): AsyncGenerator<Buffer> {
  try {
    yield* (await decryptByProgram(program, files, source, signal)) as AsyncIterable<Buffer>;
  } catch (error) {
    signal.throwIfAborted();
    const said = messageOf(error);
    if (/no identity matched/.test(said)) {
      throw new DbopsError('KEY_REFUSED', `it is encrypted for another key; tried: ${files.join(', ')}`, {
        hint: 'Name the file of the right secret key with --identity.',
        cause: error,
      });
    }
    if (/failed to decrypt and authenticate/.test(said)) throw damaged('a byte was changed, or its end is missing');
    if (/bad header MAC/.test(said)) throw damaged('its header was changed');
    throw error;
  }
}

async function take(chunks: AsyncIterator<Buffer>, head: Buffer, bytes: number): Promise<Buffer> {
  const pieces = [head];
  for (let held = head.length; held < bytes;) {
    const { value, done } = await chunks.next();
    if (done === true) break;
    pieces.push(value);
    held += value.length;
  }
  return Buffer.concat(pieces);
}

async function* following(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* { [Symbol.asyncIterator]: () => rest };
}

function damaged(what: string): DbopsError {
  return new DbopsError('DAMAGED', `the encrypted file is damaged: ${what}`, {
    hint: 'Use another copy of this file, or another backup: see `dbops list`.',
  });
}
