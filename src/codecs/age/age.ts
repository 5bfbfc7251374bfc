import type { Readable } from 'node:stream';
import { DbopsError } from '../../core/errors.ts';
import type { ByteSource, Codec } from '../../core/ports/codec.ts';
import type { EncodingKeys, Keyring } from '../../core/ports/keys.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import { throughLibrary } from '../library.ts';
import { decrypt } from './decrypt.ts';
import { makeHeader } from './header.ts';
import { createEncrypter } from './payload.ts';
import { canUse, encryptByProgram, makerFor, type AgeProgram } from './program.ts';
import { watchAge } from './watch.ts';

/**
 * age, version 1 (https://c2sp.org/age). Where a file or a program has the bytes, the age program encrypts them, and they
 * do not pass through JavaScript; what is a stream already is encrypted here, which is faster then. Secret keys never
 * leave this process, but for those that only the program can use.
 */
export function createAge(keyring: Keyring, program: AgeProgram | undefined): Codec {
  const codec: Codec = {
    id: 'age',
    suffix: '.age',
    settings: {},
    askedLevel: undefined,
    // A script in the program's place is not used.
    isSure: () => Promise.resolve(true),
    at: () => codec,
    encode: async (source, options) => {
      const keys = await keyring.encoding(options);
      const maker = await chooseMaker(keys, source, program);
      if (maker === 'library') return encryptHere(keys, source, options);
      return encryptByProgram(maker.program, maker.recipients, source, options.signal);
    },
    decode: async (source, options) => decrypt(source, { keyring, program }, options),
    watch: watchAge,
  };
  return codec;
}

type Chosen = 'library' | { readonly program: AgeProgram; readonly recipients: readonly string[] };

async function chooseMaker(keys: EncodingKeys, source: ByteSource, program: AgeProgram | undefined): Promise<Chosen> {
  const maker = makerFor(keys);
  if (maker === undefined) throw nobodyCan();
  if (maker === 'library' || keys.type === 'passphrase') return 'library';
  const usable =
    program !== undefined && (await canUse(program)) ? { program, recipients: keys.recipients } : undefined;
  if (maker === 'program') {
    if (usable !== undefined) return usable;
    throw new DbopsError('TOOL_MISSING', 'a recipient of ssh or of a plugin needs the age program', {
      hint: 'Install it (Debian: apt-get install age), or use a recipient that begins with age1.',
    });
  }
  return usable !== undefined && source.type !== 'stream' ? usable : 'library';
}

function nobodyCan(): DbopsError {
  return new DbopsError('CONFIG_INVALID', 'one of the recipients needs the age program, and another one the library', {
    hint: 'Recipients that begin with age1pq1 or age1tag1 do not go together with those of ssh or of a plugin.',
  });
}

async function encryptHere(keys: EncodingKeys, source: ByteSource, { signal }: CallOptions): Promise<Readable> {
  const { bytes, key } = await makeHeader(keys);
  return throughLibrary(source, createEncrypter(key, bytes), signal);
}
