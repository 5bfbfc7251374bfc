import { describe, expect, test } from 'vitest';
import type { Toc } from '../../../../../src/engines/postgres/archive/toc.ts';
import type { Query } from '../../../../../src/engines/postgres/connection/query.ts';
import {
  createStandIns,
  formOf,
  majorOf,
  missingExtensions,
  missingRoles,
  refuseMissingExtensions,
  refuseOlderServer,
  rolesMentioned,
  rolesNeeded,
} from '../../../../../src/engines/postgres/restore/preflight.ts';

type Entry = Partial<Toc['entries'][number]> & { readonly desc: string };

function tocOf(entries: readonly Entry[], dumpVersion = '15.4'): Toc {
  return {
    header: { dumpVersion },
    entries: entries.map((entry) => ({ tag: '', definition: '', owner: '', ...entry })),
  } as unknown as Toc;
}

const answering =
  (names: readonly string[]): Query =>
  () =>
    Promise.resolve(names.map((name) => ({ name })));

describe('the form of the dumped database is read off its own entry', () => {
  const create = (clauses: string): Toc =>
    tocOf([
      { desc: 'ENCODING', definition: "SET client_encoding = 'LATIN1';\n" },
      {
        desc: 'DATABASE',
        definition: `CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'LATIN1'${clauses};\n`,
      },
    ]);

  test.each([
    ["LOCALE = 'C'", { locale: 'C' }],
    [" LOCALE_PROVIDER = libc LOCALE = 'de_DE.UTF-8'", { provider: 'libc', locale: 'de_DE.UTF-8' }],
    [" LOCALE_PROVIDER = libc LC_COLLATE = 'C' LC_CTYPE = 'o''x'", { provider: 'libc', collate: 'C', ctype: "o'x" }],
    [" LOCALE_PROVIDER = icu LOCALE = 'en_US.UTF-8' ICU_LOCALE = 'de-DE'", { provider: 'icu', locale: 'de-DE' }],
    [" LOCALE_PROVIDER = builtin BUILTIN_LOCALE = 'C.UTF-8'", { provider: 'builtin', locale: 'C.UTF-8' }],
    [' LOCALE_PROVIDER = evil; DROP DATABASE x', {}],
  ])('%s', (clauses, form) => {
    expect(formOf(create(clauses.startsWith(' ') ? clauses : ` ${clauses}`))).toEqual({ encoding: 'LATIN1', ...form });
  });

  test('which plain SQL does not have', () => {
    expect(formOf(undefined)).toEqual({});
    expect(formOf(tocOf([]))).toEqual({});
  });

  test('and an encoding is a word', () => {
    expect(formOf(tocOf([{ desc: 'ENCODING', definition: "SET client_encoding = 'UTF8; DROP';" }]))).toEqual({});
  });
});

test('roles without which statements fail are those of policies and mappings', () => {
  const toc = tocOf([
    { desc: 'POLICY', definition: 'CREATE POLICY p ON public.t FOR SELECT TO reader, "Odd, ""one""" USING (true);\n' },
    {
      desc: 'POLICY',
      definition: 'CREATE POLICY "q TO x;" ON public."T t" AS RESTRICTIVE FOR ALL TO reader WITH CHECK ((a > 0));\n',
    },
    { desc: 'POLICY', definition: "CREATE POLICY r ON public.t USING ((note = ' TO nobody; '::text));\n" },
    { desc: 'USER MAPPING', tag: 'USER MAPPING remote SERVER far' },
    { desc: 'USER MAPPING', tag: 'USER MAPPING public SERVER far' },
    { desc: 'TABLE', owner: 'owner' },
  ]);
  expect(rolesNeeded(toc)).toEqual(['reader', 'Odd, "one"', 'remote']);
});

test('roles that own or were given something are mentioned, once, and those of the system are not', () => {
  const toc = tocOf([
    { desc: 'TABLE', owner: 'owner' },
    { desc: 'TABLE', owner: 'owner' },
    { desc: 'SCHEMA', owner: 'pg_database_owner' },
    {
      desc: 'ACL',
      definition:
        'GRANT SELECT ON TABLE public.t TO reader;\nGRANT ALL ON TABLE public.t TO "A B";\nREVOKE USAGE ON SCHEMA public FROM PUBLIC;\n',
    },
    {
      desc: 'DEFAULT ACL',
      definition: 'ALTER DEFAULT PRIVILEGES FOR ROLE chief IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC;\n',
    },
  ]);
  expect(rolesMentioned(toc).toSorted()).toEqual(['A B', 'chief', 'owner', 'reader']);
});

test('roles and extensions that the server has are not missing', async () => {
  const toc = tocOf([
    { desc: 'EXTENSION', tag: 'citext' },
    { desc: 'EXTENSION', tag: 'postgis' },
  ]);
  expect(await missingExtensions(toc, answering(['citext', 'plpgsql']))).toEqual(['postgis']);
  expect(await missingRoles(['a', 'b'], answering(['b', 'postgres']))).toEqual(['a']);
});

test('a dump without extensions asks the server nothing', async () => {
  expect(await missingExtensions(tocOf([]), () => Promise.reject(new Error('asked')))).toEqual([]);
});

test('roles that stand in can do nothing, whatever they are called', async () => {
  const said: string[] = [];
  await createStandIns(['a"; DROP TABLE x; --'], async (sql) => {
    said.push(sql);
    return [];
  });
  expect(said).toEqual(['CREATE ROLE "a""; DROP TABLE x; --" NOLOGIN']);
});

describe('a server that cannot take the dump is refused before anything is made', () => {
  test.each([
    ['15.4', 15, false],
    ['15.4', 18, false],
    ['17beta1', 16, true],
    ['18.0 (Debian 18.0-1)', 17, true],
  ])('pg_dump %s into a server of %i', (dumped, server, refused) => {
    const refuse = (): void => refuseOlderServer(tocOf([], dumped), server, 'db');
    if (refused) expect(refuse).toThrow(expect.objectContaining({ code: 'REFUSED' }));
    else expect(refuse).not.toThrow();
  });

  test('for its extensions', () => {
    expect(() => refuseMissingExtensions([], 'db')).not.toThrow();
    expect(() => refuseMissingExtensions(['postgis'], 'db')).toThrow('db lacks the extensions "postgis"');
  });
});

test.each([
  ['9.6.24', 9],
  ['17devel', 17],
  ['', undefined],
  ['unknown', undefined],
  [undefined, undefined],
])('the major version of %j is %j', (text, major) => {
  expect(majorOf(text)).toBe(major);
});
