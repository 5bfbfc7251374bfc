import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseDocument, type Document } from 'yaml';
import type { z } from 'zod';
import { DbopsError, messageOf } from '../core/errors.ts';
import { isTargetName } from '../core/ids.ts';
import { encryptionProblems } from './encryption.ts';
import { interpolate, type Environment } from './interpolate.ts';
import { configSchema, type ConfigFile } from './schema.ts';

export const CONFIG_NAMES = ['dbops.yaml', 'dbops.yml', 'dbops.json'] as const;

export interface LoadedConfig {
  readonly path: string;
  /** Relative paths in the file start here. */
  readonly folder: string;
  readonly config: ConfigFile;
  readonly secrets: readonly string[];
}

/** The configuration that applies in a folder: found there or in the nearest folder above that has one. */
export function findConfig(folder: string): string | undefined {
  const found = CONFIG_NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
  const parent = dirname(folder);
  return found ?? (parent === folder ? undefined : findConfig(parent));
}

/**
 * Reads a configuration. Nothing of the file is trusted before this returns.
 * @throws DbopsError CONFIG_INVALID naming every problem at once, each with its place.
 */
export function loadConfig(path: string, env: Environment): LoadedConfig {
  const text = read(path);
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  if (document.errors.length > 0)
    throw invalid(
      path,
      document.errors.map(({ message }) => message),
    );
  const raw = toValue(document, path);
  const { value, problems, secrets } = interpolate(raw ?? {}, env);
  const parsed = configSchema.safeParse(value);
  const found = parsed.success ? crossProblems(parsed.data) : parsed.error.issues.map(describe);
  const all = [...problems, ...nameProblems(value), ...found];
  if (!parsed.success || all.length > 0) throw invalid(path, all);
  return { path, folder: dirname(resolve(path)), config: parsed.data, secrets };
}

// The parser finds aliases that lead nowhere, or to more than memory holds, only now.
function toValue(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 50 });
  } catch (error) {
    throw invalid(path, [messageOf(error)]);
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new DbopsError('CONFIG_INVALID', `the configuration ${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Check --config, or write a new one with `dbops init`.',
      cause: error,
    });
  }
}

function describe(issue: z.core.$ZodIssue): string {
  return `${issue.path.length === 0 ? 'the document' : issue.path.map(String).join('.')}: ${issue.message}`;
}

// Not a rule of the schema, which would hide what is wrong below a name that is wrong.
function nameProblems(document: unknown): string[] {
  const targets: unknown = isObject(document) ? document['targets'] : undefined;
  return Object.keys(isObject(targets) ? targets : {})
    .filter((name) => !isTargetName(name))
    .map((name) => `targets.${name}: a target's name is lower-case letters, digits, dots, dashes and underscores`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** What no single value shows: a name that is used and never given. */
function crossProblems(config: ConfigFile): string[] {
  const { storages = {}, storage, targets = {} } = config;
  const looksLikeName = (location: string): boolean => /^[\w-]+$/.test(location);
  const used = [
    { place: 'storage', words: [storage ?? []].flat() },
    ...Object.entries(targets).flatMap(([name, target]) => [
      { place: `targets.${name}.storage`, words: [target.storage ?? []].flat() },
      { place: `targets.${name}.storages`, words: target.storages ?? [] },
    ]),
  ];
  const unknown = used.flatMap(({ place, words }) =>
    words
      .filter((word) => looksLikeName(word) && !Object.hasOwn(storages, word))
      .map((word) => `${place}: no storage is called ${word}; write ./${word} for a folder of that name`),
  );
  const twice = Object.entries(targets)
    .filter(([, target]) => target.storage !== undefined && target.storages !== undefined)
    .map(([name]) => `targets.${name}: storage and storages exclude each other; write all of them under storages`);
  const repeated = used.flatMap(({ place, words }) =>
    words.filter((word, index) => words.indexOf(word) < index).map((word) => `${place}: ${word} stands there twice`),
  );
  return [...unknown, ...twice, ...repeated, ...encryptionProblems(config)];
}

function invalid(path: string, problems: readonly string[]): DbopsError {
  const list = problems.map((problem) => `\n  ${problem}`).join('');
  return new DbopsError(
    'CONFIG_INVALID',
    `${path} has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:${list}`,
    {
      hint: 'Correct the file and test it with `dbops config check`. All keys: docs/configuration.md.',
    },
  );
}
