import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { KeySources } from '../../../src/core/encryption.ts';
import type { Keyring } from '../../../src/core/ports/keys.ts';
import { createKeyring, type KeyHost } from '../../../src/keys/keyring.ts';
import { ageKey, sshKey } from '../../support/age-keys.ts';
import { patient } from '../../support/bodies.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

interface Made {
  readonly keyring: Keyring;
  readonly hidden: string[];
  readonly questions: string[];
}

const none: KeySources = {
  recipients: [],
  recipientFiles: [],
  passphrase: false,
  identities: [],
  identityCommand: undefined,
  passphraseCommand: undefined,
};

function make(
  sources: Partial<KeySources>,
  { answers, ...environment }: Record<string, string> & { readonly answers?: string } = {},
): Made {
  const hidden: string[] = [];
  const questions: string[] = [];
  const left = answers?.split('|') ?? [];
  const host: KeyHost = {
    environment: { PATH: '/usr/bin:/bin', ...environment },
    interactive: answers !== undefined,
    askSecret: (question) => {
      questions.push(question);
      return Promise.resolve(left.shift() ?? '');
    },
    hide: (secret) => void hidden.push(secret),
  };
  return { keyring: createKeyring({ ...none, ...sources }, host), hidden, questions };
}

const secretsOf = async (keyring: Keyring): Promise<string[]> =>
  (await keyring.identities(patient)).flatMap(({ secrets }) => [...secrets]);

test('K4: a file of a secret key that others may read is refused, with the command that helps', async () => {
  const { file, secret } = await ageKey();
  const { keyring, hidden } = make({ identities: [file] });
  expect(await secretsOf(keyring)).toEqual([secret]);
  expect(hidden).toEqual([secret]);
  for (const mode of [0o640, 0o604, 0o660, 0o644]) {
    await chmod(file, mode);
    await expect(secretsOf(make({ identities: [file] }).keyring)).rejects.toMatchObject({
      code: 'KEY_REFUSED',
      hint: `Run: chmod 600 '${file}'`,
    });
  }
});

test('secret keys come from files, the environment and a command, and all of them are tried', async () => {
  const [one, two, three, four] = await Promise.all([ageKey(), ageKey(), ageKey(), ageKey()]);
  const sources = { identities: [one.file], identityCommand: ['cat', two.file] };
  expect(await secretsOf(make(sources, { DBOPS_AGE_IDENTITY: `# mine\n${three.secret}\n` }).keyring)).toEqual([
    three.secret,
    one.secret,
    two.secret,
  ]);
  expect(await secretsOf(make(sources, { DBOPS_AGE_IDENTITY_FILE: four.file }).keyring)).toEqual([
    four.secret,
    one.secret,
    two.secret,
  ]);
});

test('a command runs once, and a person is asked once, and only where nothing else is named', async () => {
  const { secret, file } = await ageKey();
  const log = join(await temporaryFolder(), 'log');
  const { keyring, questions } = make(
    { identityCommand: ['sh', '-c', `echo x >> ${log}; cat ${file}; cat ${log} >&2`] },
    { answers: '' },
  );
  for (let times = 0; times < 3; times++) expect(await secretsOf(keyring)).toEqual([secret]);
  expect(questions).toEqual([]);
  const asked = make({}, { answers: secret });
  for (let times = 0; times < 3; times++) expect(await secretsOf(asked.keyring)).toEqual([secret]);
  expect(asked.questions).toHaveLength(1);
  expect(asked.hidden).toContain(secret);
});

test.each([
  [['sh', '-c', 'echo secret-word; echo secret-word >&2; exit 3'], /the command sh .* ended with status 3$/],
  [['no-such-program-anywhere'], /the command no-such-program-anywhere .* ended with status 127$/],
  [['sh', '-c', 'head -c 200000 /dev/zero'], /prints more than any key is long$/],
])('a command that fails (%j) says so without what it printed', async (identityCommand, message) => {
  const error: unknown = await secretsOf(make({ identityCommand }).keyring).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'KEY_MISSING', message: expect.stringMatching(message) as unknown });
  expect(JSON.stringify(error) + String(error)).not.toContain('secret-word');
});

test('what is no secret key is refused, and never shown', async () => {
  const file = join(await temporaryFolder(), 'not-a-key');
  await writeFile(file, 'hunter2-hunter2\n', { mode: 0o600 });
  const error: unknown = await secretsOf(make({ identities: [file] }).keyring).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'KEY_REFUSED' });
  expect(String(error)).not.toContain('hunter2');
  const missing = make({ identities: ['/nowhere/key.txt'] }).keyring;
  await expect(secretsOf(missing)).rejects.toMatchObject({ code: 'KEY_MISSING' });
});

test('a key of ssh is left to the program, by its file', async () => {
  const { file } = await sshKey();
  expect(await make({ identities: [file] }).keyring.identities(patient)).toEqual([{ label: file, secrets: [], file }]);
});

test('recipients are those that are named and those in files, each once; a secret key among them is refused', async () => {
  const [one, two] = await Promise.all([ageKey(), ageKey()]);
  const file = join(await temporaryFolder(), 'recipients');
  await writeFile(file, `# two\n\n${two.recipient}\n${one.recipient}\n`);
  expect(await make({ recipients: [one.recipient], recipientFiles: [file] }).keyring.encoding(patient)).toEqual({
    type: 'recipients',
    recipients: [one.recipient, two.recipient],
  });
  const wrong = make({ recipientFiles: [one.file] }).keyring.encoding(patient);
  await expect(wrong).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
  await expect(wrong).rejects.not.toThrow(one.secret);
});

test('a passphrase comes from the environment, a file, a command or a person, who says it twice to encrypt', async () => {
  const file = join(await temporaryFolder(), 'passphrase');
  await writeFile(file, 'from the file\n', { mode: 0o600 });
  const of = async (made: Made): Promise<unknown> => made.keyring.encoding(patient);
  const known = (passphrase: string): object => ({ type: 'passphrase', passphrase });
  expect(await of(make({ passphrase: true }, { DBOPS_AGE_PASSPHRASE: 'from outside' }))).toEqual(known('from outside'));
  expect(await of(make({ passphrase: true }, { DBOPS_AGE_PASSPHRASE_FILE: file }))).toEqual(known('from the file'));
  const command = { passphrase: true, passphraseCommand: ['echo', 'from a command'] };
  expect(await of(make(command))).toEqual(known('from a command'));
  const typed = make({ passphrase: true }, { answers: 'typed by hand|typed by hand' });
  expect(await of(typed)).toEqual(known('typed by hand'));
  // The proof of the same backup does not ask again.
  expect(await typed.keyring.passphrase(patient)).toBe('typed by hand');
  expect(typed.questions).toHaveLength(2);
  expect(typed.hidden).toContain('typed by hand');
  await expect(of(make({ passphrase: true }, { answers: 'typed by hand|by another' }))).rejects.toThrow(/differ/);
  await expect(of(make({ passphrase: true }, { answers: 'short' }))).rejects.toThrow(/shorter than 8/);
  await expect(of(make({ passphrase: true }))).rejects.toMatchObject({ code: 'KEY_MISSING' });
});

test('a key is at hand when it is in a file or the environment, not when somebody or a command has to be asked', async () => {
  const { file, secret } = await ageKey();
  const atHand = (made: Made): Promise<boolean> => made.keyring.atHand(patient);
  expect(await atHand(make({ identities: [file] }))).toBe(true);
  expect(await atHand(make({}, { DBOPS_AGE_IDENTITY: secret }))).toBe(true);
  expect(await atHand(make({ identityCommand: ['cat', file] }))).toBe(false);
  expect(await atHand(make({ identities: ['/media/safe/key.txt'] }))).toBe(false);
  const asked = make({}, { answers: secret });
  expect(await atHand(asked)).toBe(false);
  expect(asked.questions).toEqual([]);
});

test.each(['nonsense', 'age1short', 'age1UPPER0000000000000000', '--output=/tmp/x', 'ssh-dss AAAA', 'ssh-ed25519'])(
  '%j is no recipient, and no program is asked',
  async (recipient) => {
    const { keyring } = make({ recipients: [recipient] });
    await expect(keyring.encoding(patient)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${JSON.stringify(recipient)} is no recipient`,
    });
  },
);

test('a folder in the place of a key is called what it is, and no mode of it is to be changed', async () => {
  const { keyring } = make({ identities: [await temporaryFolder()] });
  await expect(keyring.identities(patient)).rejects.toMatchObject({
    code: 'KEY_MISSING',
    message: expect.stringContaining('it is a folder'),
  });
});

test('a comment behind a recipient in a file is left out, and one of a key of ssh stays', async () => {
  const [{ recipient }, ssh] = await Promise.all([ageKey(), sshKey()]);
  const file = join(await temporaryFolder(), 'recipients');
  await writeFile(file, `# all of us\n${recipient} # bob\n\n${ssh.recipient} bob@example\n`);
  const { keyring } = make({ recipientFiles: [file] });
  await expect(keyring.encoding(patient)).resolves.toEqual({
    type: 'recipients',
    recipients: [recipient, `${ssh.recipient} bob@example`],
  });
});
