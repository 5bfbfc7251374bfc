import { plain } from './format.ts';

/** Takes secrets out of everything that leaves the process, whatever put them there. */
export interface Redactor {
  /** From now on this value is never printed. Values too short to be secrets are not hidden: they occur everywhere. */
  readonly add: (secret: string) => void;
  readonly redact: (text: string) => string;
}

const shortestSecret = 4;
const mask = '*****';

// Up to the last @ before the path: people forget to encode the @ in a password.
const passwordPlace = /([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):([^\s/]+)@/gi;

export function createRedactor(): Redactor {
  // The longest first: a secret may be a piece of another one.
  let secrets: readonly string[] = [];
  const add = (secret: string): void => {
    const found = secret.length < shortestSecret ? [] : formsOf(secret);
    secrets = [...new Set([...secrets, ...found])].toSorted((a, b) => b.length - a.length);
  };
  return {
    add: (secret) => {
      if (!isAddress(secret)) return add(secret);
      // An address is not a secret, only the password in it is, wherever it stands.
      for (const [, , password = ''] of secret.matchAll(passwordPlace)) [password, decoded(password)].forEach(add);
      return undefined;
    },
    redact: (text) => {
      let clean = text.replace(passwordPlace, `$1:${mask}@`);
      for (const secret of secrets) clean = clean.replaceAll(secret, mask);
      return clean;
    },
  };
}

function isAddress(text: string): boolean {
  return /^([a-z][a-z0-9+.-]*:\/\/|(sqlite|file):)/i.test(text);
}

/** A secret as it stands in a text, in an address, in JSON and where control characters are shown. */
function formsOf(secret: string): string[] {
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), plain(secret)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A % that stands for itself.
    return text;
  }
}
