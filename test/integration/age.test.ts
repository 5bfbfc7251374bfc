import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { createAge } from '../../src/codecs/age/age.ts';
import { recipientOf } from '../../src/codecs/age/header.ts';
import type { AgeProgram } from '../../src/codecs/age/program.ts';
import type { Keyring } from '../../src/core/ports/keys.ts';
import { ageKey, identityOf, keyringFor, keyringOf, publicKey, sshKey, type AgeKey } from '../support/age-keys.ts';
import { bodyOf, bytesOf, noise, patient } from '../support/bodies.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const run = promisify(execFile);
const program = { file: '/usr/bin/age', path: '/usr/bin:/bin' };
const key = publicKey;
const here = createAge(keyringFor(key), undefined);
const plain = noise(300_000);
const sealed = await bytesOf(await here.encode({ type: 'stream', stream: bodyOf(plain) }, patient));
const headerBytes = sealed.indexOf('\n', sealed.indexOf('\n--- ') + 1) + 1;

async function opened(bytes: Buffer, keyring: Keyring = keyringFor(key), by?: AgeProgram): Promise<Buffer> {
  return bytesOf(await createAge(keyring, by).decode(bodyOf(bytes), patient));
}

async function made(args: readonly string[], bytes: Buffer): Promise<Buffer> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'plain'), bytes);
  await run('age', [...args, '-o', join(folder, 'sealed'), join(folder, 'plain')]);
  return readFile(join(folder, 'sealed'));
}

function changed(at: number): Buffer {
  const bytes = Buffer.from(sealed);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  return bytes;
}

describe('three things that can be wrong have three messages', () => {
  test('C13: another key is refused, says which keys were tried, and is no damage', async () => {
    const other = await ageKey();
    const error: unknown = await opened(sealed, keyringFor(other)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'KEY_REFUSED' });
    expect(String(error)).toContain(`it is encrypted for another key; tried: ${other.file} (${other.recipient})`);
    expect(String(error)).not.toContain(other.secret);
  });

  test.each([
    ['after its last whole block', headerBytes + 16 + 2 * 65_552],
    ['within a tag', headerBytes + 16 + 2 * 65_552 + 5],
    ['before its content', headerBytes + 3],
    ['within its header', headerBytes - 20],
  ])('C2: a file that is cut %s is cut short', async (_, bytes) => {
    await expect(opened(sealed.subarray(0, bytes))).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining('it was cut short') as unknown,
    });
  });

  test('C2: a file that is cut within its last block may also have been changed there', async () => {
    await expect(opened(sealed.subarray(0, -100))).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(/its last block at byte \d+ was cut short or changed/) as unknown,
    });
  });

  test.each([
    ['in a block', headerBytes + 16 + 70_000, /a byte was changed in the block at byte/],
    ['in the nonce', headerBytes + 2, /a byte was changed in the block at byte/],
    ['in the checksum of the header', headerBytes - 10, /its header was changed/],
    ['in the last block', sealed.length - 5, /its last block at byte \d+ was cut short or changed/],
  ])('C1: a byte that was changed %s is damage', async (_, at, message) => {
    await expect(opened(changed(at))).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringMatching(message) as unknown,
    });
  });

  test('C3: bytes that were added are damage', async () => {
    await expect(opened(Buffer.concat([sealed, noise(100_000)]))).rejects.toMatchObject({ code: 'DAMAGED' });
    const full = await bytesOf(
      await here.encode({ type: 'stream', stream: bodyOf(plain.subarray(0, 65_536)) }, patient),
    );
    await expect(opened(Buffer.concat([full, noise(16)]))).rejects.toThrow(/bytes were added after byte/);
  });

  test('no identity at all is neither', async () => {
    await expect(opened(sealed, keyringOf({}))).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });
});

describe('what the age program makes', () => {
  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 300_000])(
    '%d bytes are read, in bytes and in letters',
    async (size) => {
      const bytes = noise(size);
      for (const form of [[], ['--armor']]) {
        const file = await made(['-r', key.recipient, ...form], bytes);
        expect((await opened(file)).equals(bytes)).toBe(true);
      }
    },
  );

  test.each([1, 65_535, 65_536, 65_537, 131_072])('%d bytes that were encrypted here are read by it', async (size) => {
    const folder = await temporaryFolder();
    const bytes = noise(size);
    const file = await bytesOf(await here.encode({ type: 'stream', stream: bodyOf(bytes) }, patient));
    await writeFile(join(folder, 'sealed'), file);
    await run('age', ['-d', '-i', key.file, '-o', join(folder, 'plain'), join(folder, 'sealed')]);
    expect((await readFile(join(folder, 'plain'))).equals(bytes)).toBe(true);
  });

  test.each([
    ['a line that was changed', (text: string) => text.replace(/\n(.{10})./, '\n$1!')],
    ['a last line that is missing', (text: string) => text.replace(/-----END.*/s, '')],
    ['lines after the last one', (text: string) => `${text}more\n`],
  ])('%s in a file of letters is damage', async (_, change) => {
    const file = (await made(['-r', key.recipient, '--armor'], plain)).toString();
    await expect(opened(Buffer.from(change(file)))).rejects.toMatchObject({ code: 'DAMAGED' });
  });

  test('each of several recipients opens it', async () => {
    const second = await ageKey();
    const both = keyringOf({ encoding: { type: 'recipients', recipients: [key.recipient, second.recipient] } });
    const file = await bytesOf(
      await createAge(both, undefined).encode({ type: 'stream', stream: bodyOf(plain) }, patient),
    );
    for (const one of [key, second]) expect((await opened(file, keyringFor(one))).equals(plain)).toBe(true);
  });
});

describe('a key of ssh', () => {
  const keyringOfSsh = async (): Promise<Keyring> => {
    const { file, recipient } = await sshKey();
    return keyringOf({
      encoding: { type: 'recipients', recipients: [recipient] },
      identities: [{ label: file, secrets: [], file }],
    });
  };

  test('works by the program', async () => {
    const keyring = await keyringOfSsh();
    const codec = createAge(keyring, program);
    const file = await bytesOf(await codec.encode({ type: 'stream', stream: bodyOf(plain) }, patient));
    expect((await opened(file, keyring, program)).equals(plain)).toBe(true);
    await expect(opened(file, await keyringOfSsh(), program)).rejects.toMatchObject({ code: 'KEY_REFUSED' });
    await expect(opened(file.subarray(0, 200_000), keyring, program)).rejects.toMatchObject({ code: 'DAMAGED' });
  });

  test('needs the program, and says so', async () => {
    const keyring = await keyringOfSsh();
    const encode = createAge(keyring, undefined).encode({ type: 'stream', stream: bodyOf(plain) }, patient);
    await expect(encode.then(bytesOf)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
    const codec = createAge(keyring, program);
    const file = await bytesOf(await codec.encode({ type: 'stream', stream: bodyOf(plain) }, patient));
    await expect(opened(file, keyring)).rejects.toMatchObject({ code: 'TOOL_MISSING' });
  });
});

describe('a passphrase', () => {
  const passphrase = 'correct horse battery staple';
  const keyring = keyringOf({ encoding: { type: 'passphrase', passphrase }, passphrase });

  test('opens what it encrypted; another one is refused, and none is asked for', async () => {
    const codec = createAge(keyring, program);
    const file = await bytesOf(await codec.encode({ type: 'stream', stream: bodyOf(plain) }, patient));
    expect((await opened(file, keyring)).equals(plain)).toBe(true);
    await expect(opened(file, keyringOf({ passphrase: 'wrong horse' }))).rejects.toMatchObject({ code: 'KEY_REFUSED' });
    await expect(opened(file, keyringFor(key))).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  test('is read by the program, at a terminal', async () => {
    const folder = await temporaryFolder();
    const file = await bytesOf(
      await createAge(keyring, undefined).encode({ type: 'stream', stream: bodyOf(plain) }, patient),
    );
    await writeFile(join(folder, 'sealed'), file);
    // `script` is the terminal that the program asks.
    const command = `age -d -o '${folder}/plain' '${folder}/sealed'`;
    await run('sh', ['-c', `printf '%s\\n' "$1" | script -qec "$2" /dev/null`, 'sh', passphrase, command]);
    expect((await readFile(join(folder, 'plain'))).equals(plain)).toBe(true);
  });

  test('a header that wants more work than anybody needs is refused at once', async () => {
    const codec = createAge(keyring, undefined);
    const file = await bytesOf(await codec.encode({ type: 'stream', stream: bodyOf('x') }, patient));
    const hostile = Buffer.from(file.toString('latin1').replace(/^(-> scrypt \S+) 18$/m, '$1 60'), 'latin1');
    await expect(opened(hostile, keyring)).rejects.toMatchObject({ code: 'REFUSED' });
  });
});

test('the public key of a secret one is that of age-keygen', async () => {
  const { secret, recipient }: AgeKey = await ageKey();
  expect(await recipientOf(secret)).toBe(recipient);
  expect(identityOf({ file: 'x', secret }).secrets).toEqual([secret]);
});

test.each(['age1nothing', 'age1' + 'q'.repeat(58)])(
  '%j is no recipient, and nothing is encrypted for it',
  async (word) => {
    const codec = createAge(keyringOf({ encoding: { type: 'recipients', recipients: [word] } }), undefined);
    await expect(codec.encode({ type: 'stream', stream: bodyOf('x') }, patient)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  },
);
