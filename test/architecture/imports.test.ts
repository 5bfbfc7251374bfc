import { describe, expect, test } from 'vitest';
import { readSources, type Import, type SourceFile } from '../support/source-tree.ts';

const sources = readSources('src');

/** What a part of the house may import of ours. `bin` starts dist/main.js; `world.ts` may import everything. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: ['core'],
  platform: ['core', 'platform'],
  streams: ['core', 'streams'],
  config: ['core', 'config'],
  report: ['core', 'report'],
  operations: ['core', 'operations', 'streams'],
  keys: ['core', 'keys', 'platform'],
  codecs: ['core', 'codecs', 'platform', 'streams'],
  storage: ['core', 'storage', 'platform', 'streams'],
  engines: ['core', 'engines', 'platform', 'streams'],
  cli: ['core', 'cli', 'operations', 'config', 'report'],
  'main.ts': ['cli', 'world.ts'],
  'index.ts': ['core', 'operations', 'storage'],
};

/** The one place of a package, so that replacing it touches nothing else. */
const packages: Readonly<Record<string, RegExp>> = {
  '@aws-sdk/client-s3': /^src\/storage\/s3\//,
  '@smithy/node-http-handler': /^src\/storage\/s3\/client\.ts$/,
  'age-encryption': /^src\/codecs\/age\/(header|passphrase)\.ts$/,
  'better-sqlite3': /^src\/engines\/sqlite\/jobs\//,
  commander: /^src\/cli\//,
  execa: /^src\/platform\/child\.ts$/,
  pino: /^src\/platform\/log\.ts$/,
  'proxy-agent': /^src\/storage\/s3\/client\.ts$/,
  yaml: /^src\/config\//,
  zod: /^src\/(core|config)\/|^src\/storage\/lease-document\.ts$/,
};

/** Where the core and the operations may touch Node: computing, never acting. */
const nodeModules: Readonly<Record<string, readonly string[]>> = {
  core: ['node:crypto'],
  streams: ['node:crypto', 'node:stream'],
  report: ['node:util'],
  operations: ['node:crypto', 'node:path', 'node:stream'],
};

/** Edges that break the rule, each with its reason. A test below fails when one of them is gone. */
const exceptions: Readonly<Record<string, string>> = {
  'src/operations/foreign.ts → node:fs': 'a foreign file is named by its path, and belongs to no storage',
  'src/operations/foreign.ts → node:fs/promises': 'as above: its first bytes say what it is',
  'src/streams/meter.ts → node:fs/promises': 'a file is measured through one buffer, which no stream can do',
  'src/operations/encode.ts → node:fs': 'a part that an engine gives as a file is digested beside its codec',
};

interface Edge {
  readonly text: string;
  readonly from: SourceFile;
  readonly to: Import;
}

const edges: readonly Edge[] = sources.flatMap((from) =>
  from.imports.map((to) => ({ from, to, text: `${from.path} → ${to.file ?? to.specifier}` })),
);
const partOf = (path: string): string => path.split('/')[1] ?? '';
const told = (offending: readonly Edge[]): string[] =>
  offending.map(({ text }) => text).filter((text) => !Object.hasOwn(exceptions, text));

describe('the import rule', () => {
  test('every folder of src has its rule', () => {
    const parts = new Set(sources.map(({ path }) => partOf(path)));
    expect([...parts].toSorted()).toEqual([...Object.keys(allowed), 'world.ts'].toSorted());
  });

  test('each part imports only what stands below it', () => {
    const offending = edges.filter(({ from, to }) => {
      const rule = allowed[partOf(from.path)];
      return rule !== undefined && to.file !== undefined && !rule.includes(partOf(to.file));
    });
    expect(told(offending)).toEqual([]);
  });

  test.each(['engines', 'storage', 'codecs'])('adapters in %s never import each other', (part) => {
    const adapterOf = (path: string): string | undefined => {
      const [, folder, adapter = '', ...rest] = path.split('/');
      return folder === part && rest.length > 0 ? adapter : undefined;
    };
    const offending = edges.filter(({ from, to }) => {
      const [here, there] = [adapterOf(from.path), adapterOf(to.file ?? '')];
      return here !== undefined && there !== undefined && here !== there;
    });
    expect(told(offending)).toEqual([]);
  });

  test.each(['engines', 'storage'])('the adapters of %s are named in driver.ts and nowhere else outside', (part) => {
    const inside = new RegExp(`^src/${part}/[^/]+/`);
    const offending = edges.filter(
      ({ from, to }) =>
        to.file !== undefined &&
        inside.test(to.file) &&
        !from.path.startsWith(
          to.file
            .replace(/[^/]+$/, '')
            .split('/')
            .slice(0, 3)
            .join('/'),
        ) &&
        ![`src/${part}/driver.ts`, 'src/index.ts'].includes(from.path) &&
        // Wrappers surround every storage, and stack.ts is the list of them.
        !(from.path === 'src/storage/stack.ts' && to.file.startsWith('src/storage/wrap/')),
    );
    expect(told(offending)).toEqual([]);
  });

  test('an engine is loaded only when it is needed: its driver imports nothing heavy', () => {
    const heavy = edges.filter(
      ({ from, to }) =>
        /^src\/(engines|storage)\/([^/]+\/)?driver\.ts$/.test(from.path) && Object.hasOwn(packages, to.specifier),
    );
    expect(told(heavy)).toEqual([]);
  });
});

describe('packages', () => {
  test('each package stands in one place, and no other is used', () => {
    const offending = edges.filter(({ from, to }) => {
      if (to.file !== undefined || to.specifier.startsWith('node:')) return false;
      return packages[to.specifier]?.test(from.path) !== true;
    });
    expect(told(offending)).toEqual([]);
  });

  test.each(Object.entries(nodeModules))('%s imports of Node only %j', (part, modules) => {
    const offending = edges.filter(
      ({ from, to }) =>
        partOf(from.path) === part &&
        to.specifier.startsWith('node:') &&
        !to.typeOnly &&
        !modules.includes(to.specifier),
    );
    expect(told(offending)).toEqual([]);
  });

  test('processes are started in platform/child.ts, for the SQLite agent and for throw-away clusters only', () => {
    const starters = edges.filter(({ to }) =>
      ['execa', 'node:child_process', 'node:worker_threads'].includes(to.specifier),
    );
    expect(starters.map(({ text }) => text)).toEqual([
      'src/engines/postgres/sandbox/cluster.ts → node:child_process',
      'src/engines/postgres/sandbox/guard-client.ts → node:child_process',
      'src/engines/sqlite/agent-client.ts → node:child_process',
      'src/platform/child.ts → execa',
      'src/platform/program.ts → node:child_process',
    ]);
  });
});

test('no exception has outlived its reason', () => {
  const present = new Set(edges.map(({ text }) => text));
  expect(Object.keys(exceptions).filter((text) => !present.has(text))).toEqual([]);
});

test('there is no cycle among files that remain once types are gone', () => {
  const next = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.flatMap(({ file, typeOnly }) => (file === undefined || typeOnly ? [] : [file])),
    ]),
  );
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] => {
    if (trail.includes(path)) return [[...trail.slice(trail.indexOf(path)), path].join(' → ')];
    if (done.has(path)) return [];
    const found = (next.get(path) ?? []).flatMap((file) => visit(file, [...trail, path]));
    done.add(path);
    return found;
  };
  expect(sources.flatMap(({ path }) => visit(path, []))).toEqual([]);
});

test('the reader of imports sees what there is', () => {
  expect(edges.length).toBeGreaterThan(300);
  expect(edges.map(({ text }) => text)).toContain('src/engines/sqlite/driver.ts → src/engines/sqlite/sqlite-engine.ts');
  const unseen = sources.filter(({ text, imports }) => (text.match(/^import\b/gm) ?? []).length > imports.length);
  expect(unseen.map(({ path }) => path)).toEqual([]);
});
