import { execFile, spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { startSandbox, type Sandbox, type SandboxRequest } from '../../src/engines/postgres/sandbox/sandbox.ts';
import { findServerPrograms, type Programs, type ServerProgram } from '../../src/engines/postgres/tools/programs.ts';
import { childrenOf } from '../support/child-processes.ts';
import { processesIn } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

type Environment = Sandbox['env'];

const holder = fileURLToPath(new URL('../support/hold-sandbox.ts', import.meta.url));
const isRoot = process.getuid?.() === 0;
const nobody = 65_534;
const moments = Number(process.env['DBOPS_KILL_MOMENTS'] ?? 5);
const users = isRoot ? ['root', 'an ordinary user'] : ['an ordinary user'];
let programs: Programs<ServerProgram>;

beforeAll(async () => {
  programs = await findServerPrograms({ path: process.env['PATH'], binDir: undefined, atLeastMajor: 15 });
});

describe.each(users)('as %s', (user) => {
  test('it answers, and leaves neither process nor file when it is done', async () => {
    const place = await makePlace(user);
    const { child, env } = await hold(user, place);
    expect(await ask(env, 'SELECT current_user, 6 * 7')).toBe('postgres|42');
    expect(processesIn(place.scratch).length).toBeGreaterThan(1);
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(leftIn(place)).toEqual([]);
  });

  test('A1: kill -9 of its owner leaves neither process nor file', async () => {
    const place = await makePlace(user);
    const { child } = await hold(user, place);
    child.kill('SIGKILL');
    await vi.waitFor(() => expect(leftIn(place)).toEqual([]), { timeout: 20_000, interval: 20 });
  });

  test('A1: what kill -9 of its owner and of its guard leaves, the next one ends and removes', async () => {
    const place = await makePlace(user);
    const { child, guards } = await hold(user, place);
    for (const guard of guards) process.kill(guard, 'SIGKILL');
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(leftIn(place)).toContainEqual(expect.stringMatching(/postgres -D/));
    const next = await hold(user, place);
    expect(await ask(next.env, 'SELECT 1')).toBe('1');
    expect(readdirSync(place.scratch)).toHaveLength(1);
    expect(readdirSync(place.temporary)).toHaveLength(1);
    next.child.stdin?.end();
    await once(next.child, 'exit');
    expect(leftIn(place)).toEqual([]);
  });

  test('A1: kill -9 at any moment of its start leaves nothing that the next one does not remove', async () => {
    const place = await makePlace(user);
    const begun = performance.now();
    const whole = await hold(user, place);
    const took = performance.now() - begun;
    whole.child.stdin?.end();
    await once(whole.child, 'exit');
    for (let moment = 1; moment <= moments; moment++) {
      const child = spawnHolder(user, place);
      const timer = setTimeout(() => child.kill('SIGKILL'), (took * moment) / moments);
      await once(child, 'exit');
      clearTimeout(timer);
      await vi.waitFor(() => expect(processesOf(place)).toEqual([]), { timeout: 20_000, interval: 20 });
    }
    const next = await hold(user, place);
    next.child.stdin?.end();
    await once(next.child, 'exit');
    expect(readdirSync(place.temporary)).toEqual([]);
    expect(processesOf(place)).toEqual([]);
  });

  test('kill -9 of its guard alone leaves nothing after its owner is done', async () => {
    const place = await makePlace(user);
    const { child, guards } = await hold(user, place);
    for (const guard of guards) process.kill(guard, 'SIGKILL');
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(leftIn(place)).toEqual([]);
  });
});

test('nothing listens on TCP, and other users do not reach the socket', async () => {
  await using sandbox = await start(await makePlace());
  expect(await ask(sandbox.env, 'SHOW listen_addresses')).toBe('');
  const socket = join(sandbox.env['PGHOST'] ?? '', '.s.PGSQL.5432');
  const { stdout } = await promisify(execFile)('stat', ['-c', '%a', sandbox.env['PGHOST'] ?? '', socket]);
  expect(stdout).toBe('700\n700\n');
});

test('two at once do not meet', async () => {
  const place = await makePlace();
  await using first = await start(place);
  await using second = await start(place);
  await ask(first.env, 'CREATE TABLE only_here ()');
  expect(await ask(first.env, "SELECT count(*) FROM pg_class WHERE relname = 'only_here'")).toBe('1');
  expect(await ask(second.env, "SELECT count(*) FROM pg_class WHERE relname = 'only_here'")).toBe('0');
});

test.each([
  ['of 200 characters', 'x'.repeat(200)],
  ['with blanks and quotes', `it's "my" $HOME; folder`],
  ['with a comma and a line break', 'a,b\nc'],
])('a scratch folder %s will do', async (_, name) => {
  const place = await makePlace();
  const scratch = join(place.scratch, name);
  mkdirSync(scratch);
  {
    await using sandbox = await start({ ...place, scratch });
    expect(await ask(sandbox.env, 'SELECT 1')).toBe('1');
  }
  expect(readdirSync(scratch)).toEqual([]);
});

test('a temporary folder too deep for a socket, or with a comma, is passed over', async () => {
  const place = await makePlace();
  for (const name of ['x'.repeat(90), 'a,b']) {
    const temporary = join(place.temporary, name);
    mkdirSync(temporary);
    await using sandbox = await start({ ...place, temporary });
    expect(sandbox.env['PGHOST']).toMatch(/^\/(var\/)?tmp\/\.dbops-\w{6}\/s$/);
    expect(await ask(sandbox.env, 'SELECT 1')).toBe('1');
  }
});

test('encoding and locale are the wanted ones', async () => {
  await using sandbox = await start(await makePlace(), { encoding: 'UTF8', locale: 'C.utf8' });
  expect(sandbox.locale).toBe('C.utf8');
  expect(await ask(sandbox.env, 'SHOW server_encoding')).toBe('UTF8');
  expect(await ask(sandbox.env, 'SHOW lc_collate')).toBe('C.utf8');
});

test.each([
  ['is not installed', 'UTF8', 'xx_YY.UTF-8'],
  ['does not go with the encoding', 'LATIN1', 'C.utf8'],
  ['is of another system', 'UTF8', 'English_United States.1252'],
])('a locale that %s becomes C, and is said to be', async (_, encoding, locale) => {
  await using sandbox = await start(await makePlace(), { encoding, locale });
  expect(sandbox.locale).toBe('C');
  expect(await ask(sandbox.env, 'SHOW server_encoding')).toBe(encoding);
});

test('ten thousand tables are made in one transaction', async () => {
  await using sandbox = await start(await makePlace());
  const make = `DO $$ BEGIN FOR i IN 1..10000 LOOP
    EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, name text)', i); END LOOP; END $$`;
  await ask(sandbox.env, make);
  expect(await ask(sandbox.env, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).toBe('10000');
});

test('settings of the caller count, except where they would open it', async () => {
  const settings = { work_mem: '123MB', listen_addresses: '*' };
  await using sandbox = await start(await makePlace(), { settings });
  expect(await ask(sandbox.env, 'SHOW work_mem')).toBe('123MB');
  expect(await ask(sandbox.env, 'SHOW listen_addresses')).toBe('');
});

test('an abort while it starts leaves nothing', async () => {
  const place = await makePlace();
  const controller = new AbortController();
  const starting = start(place, { signal: controller.signal });
  await vi.waitFor(() => expect(processesIn(place.scratch)).not.toEqual([]), { timeout: 20_000, interval: 1 });
  controller.abort(new Error('enough'));
  await expect(starting).rejects.toThrow('enough');
  expect(leftIn(place)).toEqual([]);
});

test('an abort afterwards ends it before its owner disposes of it', async () => {
  const place = await makePlace();
  const controller = new AbortController();
  await using _ = await start(place, { signal: controller.signal });
  controller.abort();
  await vi.waitFor(() => expect(leftIn(place)).toEqual([]), { timeout: 20_000, interval: 20 });
});

test.each([
  ['an encoding no server has', { encoding: 'SJIS' }, 'TOOL_FAILED', /^initdb could not start .*SJIS/],
  ['an odd encoding', { encoding: 'UTF8; x' }, 'USAGE', /is no encoding/],
  ['a setting that does not exist', { settings: { wrok_mem: '1' } }, 'TOOL_FAILED', /unrecognized .*wrok_mem/],
  ['a setting that is none', { settings: { 'a b': '1' } }, 'USAGE', /"a b" is no setting/],
] as const)('%s is named, and nothing is left', async (_, wrong, code, message) => {
  const place = await makePlace();
  await expect(start(place, wrong)).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  expect(leftIn(place)).toEqual([]);
});

test('a program that fills the disk, and one that cannot be run, are told apart', async () => {
  const place = await makePlace();
  const initdb = join(place.temporary, 'initdb');
  writeFileSync(initdb, '#!/bin/sh\necho "initdb: error: could not write: No space left on device" >&2; exit 1\n');
  const wrong = { ...programs, paths: { ...programs.paths, initdb } };
  await expect(start(place, { programs: wrong })).rejects.toMatchObject({ code: 'TOOL_FAILED' });
  chmodSync(initdb, 0o755);
  await expect(start(place, { programs: wrong })).rejects.toMatchObject({ code: 'NO_SPACE' });
  expect(readdirSync(place.scratch)).toEqual([]);
});

interface Place {
  readonly scratch: string;
  readonly temporary: string;
}

// As root's scratch folders are: nobody else may pass through the one above.
async function makePlace(user = 'root'): Promise<Place> {
  const [closed, temporary] = [await temporaryFolder(), await temporaryFolder()];
  const scratch = join(closed, 'scratch');
  mkdirSync(scratch, { mode: 0o700 });
  chmodSync(temporary, 0o755);
  if (isRoot && user !== 'root') for (const folder of [closed, scratch, temporary]) chownSync(folder, nobody, nobody);
  return { scratch, temporary };
}

function start({ scratch, temporary }: Place, more: Partial<SandboxRequest> = {}): Promise<Sandbox> {
  const { signal } = new AbortController();
  return startSandbox({
    programs,
    scratch,
    temporaryFolder: temporary,
    encoding: 'UTF8',
    locale: 'C',
    signal,
    ...more,
  });
}

async function hold(
  user: string,
  place: Place,
): Promise<{ readonly child: ChildProcess; readonly env: Environment; readonly guards: readonly number[] }> {
  const child = spawnHolder(user, place);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { child, env: JSON.parse(line) as Environment, guards: await childrenOf(child.pid ?? 0) };
}

function spawnHolder(user: string, { scratch, temporary }: Place): ChildProcessByStdio<Writable, Readable, null> {
  const become = isRoot && user !== 'root' ? { uid: nobody, gid: nobody } : {};
  const child = spawn(process.execPath, [holder, scratch, temporary], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...become,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function ask(env: Environment, sql: string): Promise<string> {
  const { stdout } = await promisify(execFile)(join(programs.folder, 'psql'), ['-XAtqc', sql], { env });
  return stdout.trim();
}

function leftIn(place: Place): string[] {
  const homes = readdirSync(place.temporary).filter((name) => name.startsWith('.dbops'));
  return [...processesOf(place), ...readdirSync(place.scratch), ...homes];
}

// The cluster's processes work in its folder; the guard is known by the folder it guards.
function processesOf({ scratch, temporary }: Place): string[] {
  const guards = readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && commandOf(name).includes(`\0${temporary}/`),
  );
  return [...processesIn(scratch), ...guards];
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    // Ended meanwhile.
    return '';
  }
}
