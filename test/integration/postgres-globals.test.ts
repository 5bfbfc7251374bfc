import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { Query } from '../../src/engines/postgres/connection/query.ts';
import { readGlobalStatements } from '../../src/engines/postgres/globals/global-statements.ts';
import { canReadPasswords, globalsArguments } from '../../src/engines/postgres/globals/globals-arguments.ts';
import { startSandbox } from '../../src/engines/postgres/sandbox/sandbox.ts';
import { findClientPrograms, findServerPrograms } from '../../src/engines/postgres/tools/programs.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const roles = ['limited', 'Ünï " CREATE ROLE fake;', 'two\nlines'];
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const run = promisify(execFile);

test('the globals of a server hold its roles, and their hashes only when they are wanted and may be read', async () => {
  const search = { path: process.env['PATH'], binDir: undefined, atLeastMajor: 15 };
  const temporary = await temporaryFolder();
  chmodSync(temporary, 0o755);
  await using sandbox = await startSandbox({
    programs: await findServerPrograms(search),
    scratch: await temporaryFolder(),
    temporaryFolder: temporary,
    encoding: 'UTF8',
    locale: 'C',
    signal: new AbortController().signal,
  });
  const { paths } = await findClientPrograms({ ...search, names: ['pg_dumpall', 'psql'] });
  const query = (user: string): Query => {
    return async (sql) => {
      const env = { ...sandbox.env, PGUSER: user };
      const { stdout } = await run(paths.psql, ['-XAtqc', sql], { env });
      return [{ readable: stdout.trim() }];
    };
  };
  const dump = async (user: string, passwords: boolean): Promise<string> => {
    const env = { ...sandbox.env, PGUSER: user };
    return (await run(paths.pg_dumpall, globalsArguments({ passwords }), { env })).stdout;
  };
  for (const name of roles) {
    await query('postgres')(`CREATE ROLE ${quoted(name)} LOGIN PASSWORD 'secret'`);
    await query('postgres')(`COMMENT ON ROLE ${quoted(name)} IS E'\\'; CREATE ROLE fake; \\\\'`);
  }

  expect(await canReadPasswords(query('postgres'))).toBe(true);
  expect(await canReadPasswords(query('limited'))).toBe(false);
  expect(await dump('postgres', true)).toContain('SCRAM-SHA-256$');
  const withoutHashes = await dump('limited', false);
  expect(withoutHashes).not.toContain('SCRAM-SHA-256$');
  const made = readGlobalStatements(Buffer.from(withoutHashes)).filter(({ text }) => text.includes('CREATE ROLE'));
  expect(made.map(({ name }) => name)).toEqual(expect.arrayContaining([...roles, 'postgres']));
  await expect(dump('limited', true)).rejects.toThrow('permission denied for table pg_authid');
});
