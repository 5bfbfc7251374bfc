import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const project = fileURLToPath(new URL('../..', import.meta.url));

export interface SourceFile {
  /** From the project's folder: `src/core/ids.ts`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

export interface Import {
  /** As written: `node:fs`, `zod`, `../core/ids.ts`. */
  readonly specifier: string;
  /** From the project's folder where it is a file of ours. */
  readonly file: string | undefined;
  /** Gone once compiled. */
  readonly typeOnly: boolean;
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)';/gm;
const dynamic = /\bimport\(\s*'([^']+)'\s*\)/g;

/** All TypeScript files below a folder of the project. */
export function readSources(folder: string): SourceFile[] {
  return readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readSource(join(folder, name)))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(project, path), 'utf8');
  const fixed = [...text.matchAll(statement)].map(([, type, specifier = '']) =>
    toImport(path, specifier, type !== undefined),
  );
  const onDemand = [...text.matchAll(dynamic)].map(([, specifier = '']) => toImport(path, specifier, false));
  return { path, text, imports: [...fixed, ...onDemand] };
}

function toImport(from: string, specifier: string, typeOnly: boolean): Import {
  const file = specifier.startsWith('.') ? relative(project, resolve(project, dirname(from), specifier)) : undefined;
  return { specifier, file, typeOnly };
}

/** The text without comments, and with every string emptied: what is left is code. */
export function codeOf(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1');
}
