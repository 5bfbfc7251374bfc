import { readFileSync } from 'node:fs';
import { messageOf } from '../core/errors.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Interpolation {
  readonly value: unknown;
  readonly problems: readonly string[];
  /** Values that came from the environment or from files, to be kept out of all output when they are secrets. */
  readonly secrets: readonly string[];
}

/**
 * Replaces `${NAME}`, `${NAME:-default}` and `$${literal}` in every string of a parsed document, so that no value can
 * change its structure. A name that is not set is looked for in the file that `NAME_FILE` names.
 */
export function interpolate(document: unknown, env: Environment): Interpolation {
  const problems: string[] = [];
  const secrets: string[] = [];
  const replace = (text: string, path: string): string =>
    text.replace(/\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g, (whole: string, name?: string, fallback?: string) => {
      if (name === undefined) return '${';
      const found = readVariable(name, env);
      if (found.problem !== undefined) problems.push(`${path}: ${found.problem}`);
      if (found.value !== undefined && isSecret(name, found.value)) secrets.push(found.value);
      const value = found.value ?? fallback;
      if (value === undefined && found.problem === undefined) problems.push(`${path}: the variable ${name} is not set`);
      return value ?? whole;
    });
  return { value: mapStrings(document, replace, ''), problems, secrets };
}

/** A variable, or the content of the file that its `_FILE` twin names, without the final newline. */
export function readVariable(name: string, env: Environment): { readonly value?: string; readonly problem?: string } {
  const value = valueOf(name, env);
  if (value !== undefined) return { value };
  const file = valueOf(`${name}_FILE`, env);
  if (file === undefined) return {};
  try {
    return { value: readFileSync(file, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    return { problem: `${name}_FILE names a file that cannot be read: ${messageOf(error)}` };
  }
}

// An empty variable counts as none, and what every object has is no variable.
function valueOf(name: string, env: Environment): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  return value === '' ? undefined : value;
}

/**
 * True for values that must never be printed, by the names they have. A path under the name of an address is none, nor is
 * one under a name that ends in `_FILE`; what is written there and is no path may be the secret itself.
 */
export function isSecret(name: string, value: string): boolean {
  if (/_file$/i.test(name) && /^\.{0,2}\//.test(value)) return false;
  return isSecretName(name) && !(/(^|_)url$/i.test(name) && !value.includes('://'));
}

function isSecretName(name: string): boolean {
  return /(passw|passphrase|pass$|secret|token|credential|api_?key|[a-z]_key$|age_identity$|_url$|^url$)/i.test(name);
}

function mapStrings(value: unknown, map: (text: string, path: string) => string, path: string): unknown {
  if (typeof value === 'string') return map(value, path === '' ? 'the document' : path);
  if (Array.isArray(value)) return value.map((item, index) => mapStrings(item, map, `${path}[${index}]`));
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    mapStrings(item, map, path === '' ? key : `${path}.${key}`),
  ]);
  return Object.fromEntries(entries);
}
