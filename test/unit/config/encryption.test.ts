import { describe, expect, test } from 'vitest';
import { encryptionOf, encryptionProblems } from '../../../src/config/encryption.ts';
import type { ConfigFile } from '../../../src/config/schema.ts';

const config: ConfigFile = {
  encryption: { recipients: ['age1general'], identities: ['keys/general.txt'], facts: 'open' },
  targets: {
    plain: { database: 'plain.db', encryption: false },
    own: { database: 'own.db', encryption: { recipients: ['age1own'] } },
    secret: { database: 'secret.db', encryption: { passphrase: true } },
    files: { database: 'files.db', encryption: { recipientFiles: ['own.pub'], facts: 'sealed' } },
    server: { database: 'postgres://db.example', encryption: { recipients: ['age1server'] } },
    usual: { database: 'usual.db' },
  },
};

const of = (target: string | undefined) => encryptionOf(config, target, '/etc/dbops');
const read = { identities: ['/etc/dbops/keys/general.txt'] };

describe('the encryption of a target', () => {
  test.each([
    [undefined, { facts: 'open', sources: { ...read, recipients: ['age1general'], passphrase: false } }],
    ['usual', { facts: 'open', sources: { ...read, recipients: ['age1general'] } }],
    // It reads what it has encrypted before.
    ['plain', { sources: { ...read, recipients: [], recipientFiles: [], passphrase: false } }],
    ['own', { facts: 'open', sources: { ...read, recipients: ['age1own'] } }],
    ['secret', { sources: { ...read, recipients: [], passphrase: true } }],
    ['files', { facts: 'sealed', sources: { recipients: [], recipientFiles: ['/etc/dbops/own.pub'] } }],
    ['server.shop', { sources: { recipients: ['age1server'] } }],
    ['servers', { sources: { recipients: ['age1general'] } }],
  ])('of %j is the general one with its own keys', (target, expected) => {
    expect(of(target)).toMatchObject(expected);
  });
});

test.each([
  [{ passphrase: true, recipients: ['age1x'] }, /passphrase and recipients exclude each other/],
  [{ recipients: ['AGE-SECRET-KEY-1ABC'] }, /secret key among them/],
  [{ recipients: ['age1x'], passphraseCommand: ['x'] }, /has no effect/],
] as const)('%j is a problem, and its place is told', (encryption, message) => {
  const own = { ...encryption } as unknown as NonNullable<ConfigFile['encryption']>;
  expect(encryptionProblems({ encryption: own })).toEqual([expect.stringMatching(message)]);
  const [problem] = encryptionProblems({ targets: { app: { database: 'app.db', encryption: own } } });
  expect(problem).toMatch(/^targets\.app\.encryption/);
  expect(problem).not.toContain('AGE-SECRET');
});

describe('a configuration that says how and not for whom', () => {
  const database = { database: 'a.db' };
  test.each([
    ['a command for a passphrase alone', { encryption: { passphraseCommand: ['pass'] } }, 'encryption: '],
    ['what is shown alone', { encryption: { facts: 'sealed' }, targets: { a: database } }, 'encryption: '],
    [
      'the same of a target',
      { targets: { a: { ...database, encryption: { facts: 'open' } } } },
      'targets.a.encryption: ',
    ],
  ] as const)('%s', (_, file, place) => {
    expect(encryptionProblems(file as ConfigFile)).toEqual([expect.stringContaining(`${place}nothing is encrypted`)]);
  });

  test.each([
    ['keys to read with', { encryption: { identities: ['key.txt'] } }],
    [
      'recipients that a target names',
      { encryption: { facts: 'open' }, targets: { a: { ...database, encryption: { recipients: ['age1x'] } } } },
    ],
    [
      'what a target adds to general recipients',
      { encryption: { recipients: ['age1x'] }, targets: { a: { ...database, encryption: { facts: 'open' } } } },
    ],
    [
      'a target that is not encrypted',
      { encryption: { facts: 'open' }, targets: { a: { ...database, encryption: false } } },
    ],
    ['a passphrase by a command', { encryption: { passphrase: true, passphraseCommand: ['pass'] } }],
  ] as const)('%s is nothing to say', (_, file) => {
    expect(encryptionProblems(file as ConfigFile)).toEqual([]);
  });
});
