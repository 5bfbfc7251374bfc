/** Takes secrets out of everything that leaves the process, whatever put them there. */
export interface Redactor {
  /** From now on this value is never printed. Values too short to be secrets are not hidden: they occur everywhere. */
  readonly add: (secret: string) => void;
  readonly redact: (text: string) => string;
}

const shortestSecret = 4;
const mask = '*****';

export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  return {
    add: (secret) => {
      // A URL is not a secret, only the password in it; that one is found by its place.
      if (secret.length < shortestSecret || /^[a-z][a-z0-9+.-]*:/i.test(secret)) return;
      secrets.add(secret);
      secrets.add(encodeURIComponent(secret));
    },
    redact: (text) => {
      let clean = text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s/@]+@/gi, `$1:${mask}@`);
      for (const secret of secrets) clean = clean.replaceAll(secret, mask);
      return clean;
    },
  };
}
