import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { codeOf, project, readSources } from '../support/source-tree.ts';

const sources = readSources('src');
const linesOf = (text: string): number => text.trimEnd().split('\n').length;
const fileLimit = 350;
const functionLimit = 60;
const commandLimit = 120;

/** Files of commands that may be longer, each with its reason. */
const longCommands: Readonly<Record<string, string>> = {
  'src/cli/actions/restore.ts': 'three ways to restore (all, tables, SQL) share one set of flags',
};

test(`no file is longer than ${fileLimit} lines`, () => {
  const long = [...sources, ...readSources('test'), ...readSources('fixtures')].filter(
    ({ text }) => linesOf(text) > fileLimit,
  );
  expect(long.map(({ path, text }) => `${path}: ${linesOf(text)}`)).toEqual([]);
});

test(`no file of a command, its flags or its action, is longer than ${commandLimit} lines`, () => {
  const commands = sources.filter(({ path }) => /^src\/cli\/(commands|actions)\//.test(path));
  expect(commands.length).toBeGreaterThan(15);
  const long = commands.filter(({ text }) => linesOf(text) > commandLimit);
  expect(long.map(({ path }) => path)).toEqual(Object.keys(longCommands));
});

test(`no function is longer than ${functionLimit} lines`, () => {
  const long = sources.flatMap(({ path, text }) =>
    functionsOf(text)
      .filter(({ lines }) => lines > functionLimit)
      .map(({ name, lines }) => `${path}: ${name}: ${lines}`),
  );
  expect(long).toEqual([]);
});

test('half of all functions stay under 15 lines, and nine of ten under 35', () => {
  const lines = sources.flatMap(({ text }) => functionsOf(text).map((found) => found.lines)).toSorted((a, b) => a - b);
  expect(lines.length).toBeGreaterThan(300);
  expect(lines[Math.trunc(lines.length * 0.5)]).toBeLessThan(15);
  expect(lines[Math.trunc(lines.length * 0.9)]).toBeLessThan(35);
});

test('names that say nothing are not used for files', () => {
  const empty = sources.filter(({ path }) => /\b(utils?|helpers?|manager|service|common|misc)\b/.test(path));
  expect(empty.map(({ path }) => path)).toEqual([]);
});

test('only src/index.ts is a barrel, and nothing is exported as default', () => {
  const barrels = sources.filter(
    ({ path, text }) => path !== 'src/index.ts' && /^export (\*|\{[^}]*\}) from/m.test(text),
  );
  expect(barrels.map(({ path }) => path)).toEqual([]);
  expect(sources.filter(({ text }) => /^export default/m.test(codeOf(text))).map(({ path }) => path)).toEqual([]);
});

test('every unit test mirrors a source file', () => {
  const strays = readSources('test/unit').filter(({ path }) => {
    const source = path.replace(/^test\/unit\//, 'src/').replace(/\.test\.ts$/, '.ts');
    return !existsSync(join(project, source));
  });
  expect(strays.map(({ path }) => path)).toEqual([]);
});

test('every test file is found by its name, and every suite is used', () => {
  const tests = readSources('test');
  const unnamed = tests.filter(
    ({ path, text }) => /^\s*(test|describe)(\.each)?\(/m.test(text) && !/\.(test|suite)\.ts$/.test(path),
  );
  expect(unnamed.map(({ path }) => path)).toEqual([]);
  const imported = new Set(tests.flatMap(({ imports }) => imports.map(({ file }) => file)));
  const unused = tests.filter(({ path }) => path.endsWith('.suite.ts') && !imported.has(path));
  expect(unused.map(({ path }) => basename(path))).toEqual([]);
});

test('no test is skipped, left alone or put off', () => {
  const put = readSources('test').filter(({ text }) =>
    /\b(test|describe|it)\.(skip|only|todo|skipIf|runIf|fails)\b/.test(codeOf(text)),
  );
  expect(put.map(({ path }) => path)).toEqual([]);
});

interface FoundFunction {
  readonly name: string;
  readonly lines: number;
}

/** Functions and methods at the outer two levels, by the formatter's indentation: a head, and its closing brace. */
function functionsOf(text: string): FoundFunction[] {
  const lines = text.split('\n');
  const head =
    /^( {0,4})(?:export )?(?:async )?(?:function\*? (\w+)|(?:const )?(\w+)(?: = |: )(?:async )?\(?[^=]*\)?(?:: [^=]+)? => \{$|(\w+)\([^)]*\)(?:: [^{]+)? \{$)/;
  return lines.flatMap((line, at) => {
    const match = head.exec(line);
    if (match === null) return [];
    const end = lines.findIndex(
      (candidate, index) => index > at && new RegExp(`^${match[1] ?? ''}\\}`).test(candidate),
    );
    return end < 0 ? [] : [{ name: match[2] ?? match[3] ?? match[4] ?? '?', lines: end - at + 1 }];
  });
}
