import { expect, test } from 'vitest';
import { codeOf, readSources } from '../support/source-tree.ts';

/** Files that may touch the globals of the process. */
const doors: readonly RegExp[] = [
  /^src\/platform\//,
  /^src\/cli\/host\.ts$/,
  /^src\/main\.ts$/,
  // A process of its own, which has no host.
  /^src\/engines\/sqlite\/agent\.ts$/,
  /^src\/engines\/postgres\/sandbox\/guard\.ts$/,
  /^src\/engines\/sqlite\/jobs\//,
];

/** Single uses elsewhere, each with its reason. */
const exceptions: Readonly<Record<string, string>> = {
  'src/engines/postgres/sandbox/guard-client.ts: process.': 'the guard gets two variables of the environment, no more',
  'src/engines/sqlite/agent-client.ts: process.': 'the child gets three variables of the environment and no more',
};

const globals: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['Date.now', /\bDate\.now\b/],
  ['new Date()', /\bnew Date\(\s*\)/],
  ['performance.now', /\bperformance\.now\b/],
  ['Math.random', /\bMath\.random\b/],
  ['process.', /(?<![.\w])process\.(?=\w)/],
  ['console.', /\bconsole\./],
  ['a timer', /\bset(Timeout|Interval)\(/],
  ['randomness', /\brandom(Bytes|UUID|Int)\b|\bgetRandomValues\b/],
];

const uses = readSources('src').flatMap(({ path, text }) =>
  globals.flatMap(([name, pattern]) => (pattern.test(codeOf(text)) ? [{ path, use: `${path}: ${name}` }] : [])),
);

test('clock, randomness, process and console are touched in the named places only', () => {
  const offending = uses.filter(
    ({ path, use }) => !doors.some((door) => door.test(path)) && !Object.hasOwn(exceptions, use),
  );
  expect(offending.map(({ use }) => use)).toEqual([]);
});

test('no exception has outlived its reason', () => {
  const present = new Set(uses.map(({ use }) => use));
  expect(Object.keys(exceptions).filter((use) => !present.has(use))).toEqual([]);
});

test('the search finds what there is', () => {
  expect(uses.map(({ use }) => use)).toContain('src/platform/clock.ts: new Date()');
  expect(uses.map(({ use }) => use)).toContain('src/cli/host.ts: process.');
});
