import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import type { Identity, Recipient, Stanza } from 'age-encryption';
import { DbopsError } from '../../core/errors.ts';
import { systemRandom } from '../../platform/clock.ts';

const label = 'age-encryption.org/v1/scrypt';
/** What the age program takes when it encrypts: about a second of work. */
const encodeWork = 18;
/** A gigabyte of memory. A header that wants more would only keep this machine busy. */
const mostWork = 20;

const derive = promisify<string, Buffer, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(scrypt);

/** Wraps file keys for whoever knows a passphrase, with the scrypt of Node, which lets other work go on meanwhile. */
export function passphraseRecipient(
  passphrase: string,
  makeStanza: (args: string[], body: Uint8Array) => Stanza,
): Recipient {
  return {
    wrapFileKey: async (fileKey) => {
      const salt = Buffer.from(systemRandom(16));
      const key = await wrappingKey(passphrase, salt, encodeWork);
      const seal = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
      const body = Buffer.concat([seal.update(fileKey), seal.final(), seal.getAuthTag()]);
      return [makeStanza(['scrypt', unpadded(salt), String(encodeWork)], body)];
    },
  };
}

export function passphraseIdentity(passphrase: string): Identity {
  return {
    unwrapFileKey: async (stanzas) => {
      const stanza = stanzas.find(({ args }) => args[0] === 'scrypt');
      if (stanza === undefined) return null;
      const [, salt = '', work = ''] = stanza.args;
      const bytes = Buffer.from(salt, 'base64');
      if (stanzas.length !== 1 || stanza.args.length !== 3 || bytes.length !== 16 || stanza.body.length !== 32) {
        throw new Error('its header was changed');
      }
      if (!/^[1-9]\d?$/.test(work) || Number(work) > mostWork) throw tooMuchWork(work);
      const key = await wrappingKey(passphrase, bytes, Number(work));
      const opening = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
      opening.setAuthTag(stanza.body.subarray(16));
      const fileKey = opening.update(stanza.body.subarray(0, 16));
      try {
        opening.final();
        return fileKey;
      } catch {
        return null;
      }
    },
  };
}

function wrappingKey(passphrase: string, salt: Buffer, work: number): Promise<Buffer> {
  const options = { N: 2 ** work, r: 8, p: 1, maxmem: 2 ** work * 8 * 128 + (1 << 24) };
  return derive(passphrase, Buffer.concat([Buffer.from(label), salt]), 32, options);
}

function tooMuchWork(work: string): DbopsError {
  return new DbopsError('REFUSED', `the encrypted file asks for a work factor of ${JSON.stringify(work)}`, {
    hint: `dbops works up to ${mostWork}. Whoever made this file wants to keep the machine busy, or changed its header.`,
  });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '');
}
