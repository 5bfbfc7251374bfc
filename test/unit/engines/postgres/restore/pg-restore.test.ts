import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createCodecs } from '../../../../../src/codecs/codecs.ts';
import { DbopsError } from '../../../../../src/core/errors.ts';
import { createConnection } from '../../../../../src/engines/postgres/connection/connection.ts';
import { runRestore, type RestoreProgramRequest } from '../../../../../src/engines/postgres/restore/pg-restore.ts';
import { temporaryFolder } from '../../../../support/temporary-folder.ts';

const never = new AbortController().signal;
const connection = createConnection(
  { location: 'postgresql://me@db/shop', password: 'hunter2', lockTimeoutMs: 0 },
  { environment: { PATH: '/usr/bin:/bin' }, temporaryFolder: '/tmp', codecs: createCodecs(undefined) },
);

/** Runs a script in the place of pg_restore. */
async function run(script: string, change: Partial<RestoreProgramRequest> = {}): Promise<string[]> {
  const program = join(await temporaryFolder(), 'pg_restore');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  return runRestore({
    connection,
    program,
    args: [],
    input: undefined,
    signal: never,
    keepGoing: false,
    refusal: { code: 'DAMAGED' },
    label: 'db.dump',
    ...change,
  });
}

const failing = 'echo \'pg_restore: error: could not execute query: ERROR:  relation "x" does not exist\' >&2; exit 1';

describe('a program that ends well', () => {
  test('gives what it said, but for notices', async () => {
    expect(await run('echo "NOTICE: table x" >&2; echo "WARNING: look" >&2')).toEqual(['WARNING: look']);
  });

  test('has read all of its input, to which nothing was added', async () => {
    const file = join(await temporaryFolder(), 'seen');
    await run(`cat > '${file}'; [ "$(cat '${file}')" = 'one two' ]`, { input: Readable.from(['one ', 'two']) });
  });

  test('has the password of the address in its environment, and in no argument', async () => {
    await run('[ "$PGPASSWORD" = hunter2 ] && case "$*" in *hunter2*) exit 1;; esac');
  });
});

describe('a program that fails', () => {
  test('fails the restore with the words of the server', async () => {
    await expect(run(failing)).rejects.toMatchObject({
      code: 'DAMAGED',
      message: expect.stringContaining('db.dump cannot be restored: '),
    });
    await expect(run(failing)).rejects.toThrow('relation "x" does not exist');
  });

  test('although it had taken all of its input', async () => {
    await expect(run(`cat >/dev/null; ${failing}`, { input: Readable.from(['all']) })).rejects.toThrow(
      'does not exist',
    );
  });

  test('although it took none of it', async () => {
    const input = Readable.from(Array.from({ length: 200 }, () => Buffer.alloc(65_536)));
    await expect(run(failing, { input })).rejects.toThrow('does not exist');
  });

  test('gives warnings where going on was asked for', async () => {
    expect(await run(failing, { keepGoing: true })).toEqual([expect.stringContaining('relation "x" does not exist')]);
  });

  test.each(['kill -9 $$', 'echo fatal >&2; exit 2'])(
    'is a failure all the same when it stopped: %s',
    async (script) => {
      await expect(run(script, { keepGoing: true })).rejects.toBeInstanceOf(DbopsError);
    },
  );

  test('says nothing of the dump when it was killed', async () => {
    await expect(run('kill -9 $$')).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: 'pg_restore failed on db.dump: was killed by SIGKILL',
    });
  });
});

test('an input that fails is what is told, whatever the program makes of its end', async () => {
  const input = Readable.from(
    (async function* () {
      yield 'half';
      await Promise.resolve();
      throw new DbopsError('DAMAGED', 'the content does not match its sha256');
    })(),
  );
  await expect(run('cat >/dev/null', { input })).rejects.toThrow('does not match its sha256');
});

test('an abort ends the program, and its reason is what is told', async () => {
  const stop = new AbortController();
  const input = new Readable({ read: () => stop.abort(new Error('stopped by hand')) });
  await expect(run('cat >/dev/null; sleep 1000', { input, signal: stop.signal })).rejects.toThrow('stopped by hand');
});
