import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { binary, pretendOldNode, runDbops } from '../support/run-dbops.ts';
import { makeDatabase, readDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { contentOf, treeOf } from '../support/tree.ts';

describe('--json', () => {
  test('every command prints one document on stdout and nothing on stderr', async () => {
    const cwd = await place();
    const commands = [
      ['init', 'app.db'],
      ['config', 'check'],
      ['config', 'schema'],
      ['backup'],
      ['backup', '--dry-run'],
      ['list'],
      ['show'],
      ['verify'],
      ['verify', '--all', '--level', 'restore'],
      ['pin', 'latest'],
      ['unpin', 'latest'],
      ['prune', '--dry-run'],
      ['prune'],
      ['restore', '--into', 'a.db', '--dry-run'],
      ['restore', '--into', 'a.db'],
      ['restore', '--into', 'b.db', '--table', 'notes'],
      ['restore', '--table', 'notes', '--as-sql', 'notes.sql'],
      ['completion', 'bash'],
    ];
    for (const command of commands) {
      const result = await runDbops([...command, '--json'], { cwd });
      expect({ command, stderr: result.stderr, exitCode: result.exitCode }).toEqual({
        command,
        stderr: '',
        exitCode: 0,
      });
      expect(result.json(), command.join(' ')).toBeTypeOf('object');
      if (command[1] !== 'schema') expect(result.json(), command.join(' ')).toMatchObject({ ok: true });
    }
  });

  test.each([
    [['backup', 'missing.db'], 3, 'SOURCE_REFUSED'],
    [['restore', 'latest', '--into', 'x.db'], 10, 'NOTHING_MATCHES'],
    [['verify'], 10, 'NOTHING_MATCHES'],
    [['no-such-command'], 2, 'USAGE'],
    [['backup', 'app.db', '--compress', 'rar'], 2, 'USAGE'],
    [['config', 'check'], 2, 'CONFIG_INVALID'],
  ] as const)(
    'the failure of %j is a document with its code and hint, and exit %i',
    async (command, exitCode, code) => {
      const cwd = await place();
      const result = await runDbops([...command, '--json'], { cwd });
      expect(result.exitCode).toBe(exitCode);
      expect(result.json()).toMatchObject({ ok: false, exitCode, error: { code, hint: expect.any(String) as string } });
    },
  );
});

describe('several targets', () => {
  test('one that fails does not keep the others, and its code is the exit code', async () => {
    const cwd = await place();
    writeFileSync(
      join(cwd, 'dbops.yaml'),
      'targets: { first: { database: ./missing.db }, second: { database: ./app.db } }',
    );
    const result = await runDbops(['backup', '--json'], { cwd });
    expect(result.exitCode).toBe(3);
    expect(result.json()).toMatchObject({
      ok: false,
      exitCode: 3,
      backups: [
        { target: 'first', error: { code: 'SOURCE_REFUSED' } },
        { target: 'second', manifest: { target: 'second' } },
      ],
    });
    const listed = await runDbops(['list', '--json'], { cwd });
    expect(listed.json()).toMatchObject({ backups: [{ target: 'second' }] });
  });
});

describe('configuration', () => {
  test('init writes what config check accepts and backup uses, and never overwrites', async () => {
    const cwd = await place();
    expect((await runDbops(['init', 'app.db'], { cwd })).exitCode).toBe(0);
    const check = await runDbops(['config', 'check'], { cwd });
    expect(check.stdout).toContain('is sound');
    expect((await runDbops(['backup', 'app'], { cwd })).exitCode).toBe(0);
    const again = await runDbops(['init', 'app.db'], { cwd });
    expect(again.stderr).toMatch(/dbops\.yaml exists\nhint: /);
    expect(again.exitCode).toBe(9);
  });

  test('config check tells all problems at once, each with its place', async () => {
    const cwd = await place();
    writeFileSync(
      join(cwd, 'dbops.yaml'),
      'storage: nowhere\ncompress: rar\nretention: { last: 0 }\ntargets:\n  A!: { database: "" }\n  b: { database: "${UNSET_NAME}", lockTimeout: soon, databse: x }\n',
    );
    const result = await runDbops(['config', 'check'], { cwd });
    expect(result.exitCode).toBe(2);
    for (const part of ['compress', 'retention.last', 'A!', 'UNSET_NAME', 'lockTimeout', 'databse']) {
      expect(result.stderr).toContain(part);
    }
  });
});

describe('files that dbops did not make', () => {
  const kinds: readonly [string, (bytes: Buffer) => Buffer][] = [
    ['dump.db', (bytes) => bytes],
    ['dump.db.gz', (bytes) => gzipSync(bytes)],
    ['dump.db.zst', (bytes) => zstdCompressSync(bytes)],
  ];
  const paths = [
    ['with programs on PATH', '/usr/bin:/bin'],
    ['by the library', '/nowhere'],
  ] as const;

  describe.each(paths)('%s', (_title, PATH) => {
    test.each(kinds)('%s is restored', async (name, encode) => {
      const cwd = await place();
      writeFileSync(join(cwd, name), encode(readFileSync(join(cwd, 'app.db'))));
      const result = await runDbops(['restore', `./${name}`, '--into', 'copy.db'], { cwd, env: { PATH } });
      expect(result.stderr).not.toContain('error');
      expect(result.exitCode).toBe(0);
      expect(readDatabase(join(cwd, 'copy.db'))).toBe('m:200');
    });

    test.each(kinds)('%s cut anywhere is refused with exit 6, and nothing is left', async (name, encode) => {
      const cwd = await place();
      const whole = encode(readFileSync(join(cwd, 'app.db')));
      for (const length of [10, Math.trunc(whole.length / 2), whole.length - 1]) {
        writeFileSync(join(cwd, name), whole.subarray(0, length));
        const before = contentOf(cwd);
        const result = await runDbops(['restore', `./${name}`, '--into', 'copy.db'], { cwd, env: { PATH } });
        expect(result.stderr, `${length} bytes`).toMatch(/error: .*dump\.db/);
        expect(result.stderr).not.toContain('internal error');
        expect(result.exitCode, `${length} bytes: ${result.stderr}`).toBe(6);
        expect(contentOf(cwd)).toEqual(before);
      }
    });
  });
});

describe('--dry-run', () => {
  test('changes nothing, whatever the command', async () => {
    const cwd = await place();
    expect((await runDbops(['backup', 'app.db', '--class', 'hot'], { cwd })).exitCode).toBe(0);
    const before = contentOf(cwd);
    for (const command of [
      ['init'],
      ['backup', 'app.db'],
      ['backup', 'app.db', '--storage', 'elsewhere'],
      ['restore', '--into', 'copy.db'],
      ['restore', '--into', 'app.db', '--yes'],
      ['restore', '--into', 'app.db', '--table', 'notes', '--overwrite'],
      ['restore', '--table', 'notes', '--as-sql', 'notes.sql'],
      ['prune', '--retention-days', '1'],
      ['pin', 'latest'],
      ['unpin', 'latest'],
    ]) {
      const result = await runDbops([...command, '--dry-run'], { cwd });
      expect(result.exitCode, `${command.join(' ')}: ${result.stderr}`).toBe(0);
      expect(contentOf(cwd), command.join(' ')).toEqual(before);
    }
  });
});

describe('K2: a secret', () => {
  const canary = 'kanarienvogel-7391';

  test('in the environment, in a file or in a URL occurs in no output, log, manifest or record', async () => {
    const cwd = await place();
    writeFileSync(join(cwd, 'token'), `${canary}\n`);
    writeFileSync(
      join(cwd, 'dbops.yaml'),
      [
        'storages: { local: ./backups }',
        'storage: local',
        'targets:',
        '  app:',
        '    database: ./app.db',
        '    checks:',
        '      - name: is plain',
        "        sql: SELECT '${API_TOKEN}' WHERE 0",
        '',
      ].join('\n'),
    );
    const env = {
      DATABASE_PASSWORD: canary,
      API_TOKEN_FILE: join(cwd, 'token'),
      DEBUG: '1',
      DATABASE_URL: `postgres://u:${canary}@h/d`,
    };
    const outputs: string[] = [];
    for (const args of [
      ['backup', '--verify', 'restore', '--log-file', 'run.log', '--log-level', 'trace'],
      ['backup', '--tag', `note=${canary}`, '--log-level', 'debug'],
      ['backup', `postgres://user:${canary}@127.0.0.1/db`],
      ['backup', 'app', '--storage', `s3://key:${canary}@127.0.0.1/bucket`],
      ['show', '--json'],
      ['list'],
      ['verify', '--level', 'restore', '--json'],
      ['restore', canary],
      ['--unknown', canary],
      ['config', 'check', '--json'],
    ]) {
      const { stdout, stderr } = await runDbops(args, { cwd, env });
      outputs.push(`${args.join(' ').replaceAll(canary, '…')}: ${stdout}\n${stderr}`);
    }
    expect(outputs.filter((text) => text.includes(canary))).toEqual([]);
    const files = treeOf(cwd).filter((path) => /\.(json|log)$/.test(path));
    expect(files).toContain('run.log');
    const told = files.filter((path) => readFileSync(join(cwd, path), 'utf8').includes(canary));
    // A tag that somebody writes on purpose is theirs to write.
    expect(told.filter((path) => !path.endsWith('manifest.json'))).toEqual([]);
    expect(told).toHaveLength(1);
  });
});

test('K2: the line that undoes a restore is what a shell needs, whatever the secrets are', async () => {
  const cwd = await place();
  mkdirSync(join(cwd, 'private'));
  cpSync(join(cwd, 'app.db'), join(cwd, 'private', 'app.db'));
  writeFileSync(join(cwd, 'private', 'other.db-wal'), 'of somebody else');
  const env = { API_TOKEN: 'private', DB_PASSWORD: 'app.db', A_SECRET: 'restored' };
  expect((await runDbops(['backup', 'app.db'], { cwd, env })).exitCode).toBe(0);
  const restored = await runDbops(['restore', '--into', 'private/app.db', '--yes'], { cwd, env });
  expect(restored.stdout).toContain(`into ${join(cwd, 'private', 'app.db')}\nkept: ${join(cwd, 'private')}/app.db.pre`);
  const undo = /^undo: (.*)$/m.exec(restored.stdout)?.[1] ?? 'false';
  expect(spawnSync('sh', ['-c', undo]).status).toBe(0);
  expect(readDatabase(join(cwd, 'private', 'app.db'))).toBe('m:200');
  expect(treeOf(join(cwd, 'private'))).toEqual(['app.db', 'other.db-wal']);
});

test('a restored path that no line can show gets no command to undo it', async () => {
  const cwd = await place();
  const odd = 'odd\u001b.db';
  cpSync(join(cwd, 'app.db'), join(cwd, odd));
  expect((await runDbops(['backup', 'app.db'], { cwd })).exitCode).toBe(0);
  const { stdout } = await runDbops(['restore', '--into', odd, '--yes'], { cwd });
  expect(stdout).toMatch(/^kept: .*odd\\u001b\.db\.pre-restore\.\S+$/m);
  expect(stdout).not.toMatch(/rm -f|mv /);
});

describe('the process', () => {
  test('`dbops list | head -1` ends without an error', async () => {
    const cwd = await place();
    for (let n = 0; n < 2; n++) expect((await runDbops(['backup', 'app.db'], { cwd })).exitCode).toBe(0);
    const child = spawn('bash', ['-c', 'set -o pipefail; "$0" "$@" | head -1', process.execPath, binary, 'list'], {
      cwd,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    const [code] = (await once(child, 'close')) as [number];
    expect(output).toMatch(/^TARGET .*\n$/);
    expect(code).toBe(0);
  });

  test('an older Node starts it under the one that is installed with it', async () => {
    const { code, output } = await underOldNode(await place(), binary);
    expect(output).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(code).toBe(0);
  });

  test('no code is taken from, or left in, the temporary folder, where anybody could plant some', async () => {
    const cwd = await place();
    mkdirSync(join(cwd, 'shared'));
    const result = await runDbops(['--version'], { cwd, env: { TMPDIR: join(cwd, 'shared') } });
    expect(result.exitCode).toBe(0);
    expect(treeOf(join(cwd, 'shared'))).toEqual([]);
  });

  test('an older Node alone is told which one dbops needs', async () => {
    const cwd = await place();
    const alone = join(cwd, 'alone');
    mkdirSync(alone);
    for (const part of ['bin', 'dist', 'package.json']) {
      cpSync(join(binary, '..', '..', part), join(alone, part), { recursive: true });
    }
    const { code, output } = await underOldNode(cwd, join(alone, 'bin', 'dbops.js'));
    expect(output).toMatch(/^error: dbops needs Node 22\.15 or newer, this is 20\.1\.0\nhint: /);
    expect(code).toBe(4);
  });
});

/** Asks for the version in a Node that says it is an old one. */
async function underOldNode(cwd: string, program: string): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [...pretendOldNode, program, '--version'], {
    cwd,
    env: { PATH: '/usr/bin:/bin' },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const [code] = (await once(child, 'close')) as [number];
  return { code, output };
}

test('a day of the scripts it replaces: daily backup with pruning, restore, one table as SQL', async () => {
  const cwd = await place();
  const daily = await runDbops(['backup', 'app.db', '--class', 'daily', '--prune', '--verify', 'restore'], { cwd });
  expect(daily.stderr).not.toContain('warning');
  expect(daily.exitCode).toBe(0);
  const db = new Database(join(cwd, 'app.db'));
  db.exec('DELETE FROM notes');
  db.close();
  expect((await runDbops(['restore', '--table', 'notes', '--as-sql', 'notes.sql'], { cwd })).exitCode).toBe(0);
  expect(readFileSync(join(cwd, 'notes.sql'), 'utf8')).toMatch(/INSERT INTO/);
  expect((await runDbops(['restore', '--into', 'app.db', '--yes'], { cwd })).exitCode).toBe(0);
  expect(readDatabase(join(cwd, 'app.db'))).toBe('m:200');
  const listed = await runDbops(['list'], { cwd });
  expect(listed.stdout).toMatch(/^TARGET +ID +AGE +CLASS +SIZE +STORED +VERIFIED +NOTES\napp +\S+ +.*daily.*restore, /);
  const pruned = await runDbops(['prune', '--retention-days', '1'], { cwd });
  expect(pruned.stdout).toContain('removed 0 of 1 backups');
});

async function place(): Promise<string> {
  const cwd = await temporaryFolder();
  makeDatabase(join(cwd, 'app.db'), { mark: 'm', rows: 200, filling: 200 });
  return cwd;
}
