import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { openForeign } from '../../src/operations/foreign.ts';
import { restore } from '../../src/operations/restore.ts';
import { patient } from '../support/operations.ts';
import type { Cluster } from '../support/postgres/cluster.ts';
import { addressOf, openDepot } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { postgresVersions } from '../support/postgres/versions.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

interface Specimen {
  readonly name: string;
  /** What stands behind CREATE DATABASE. */
  readonly form: string;
  /** Bytes for a psql that converts nothing. */
  readonly sql: string | Buffer;
  readonly since?: number;
}

const formats = ['custom', 'plain'] as const;

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');

const specimens: readonly Specimen[] = [
  {
    name: 'ascii',
    form: "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
    // Names and values in UTF-8, in Latin-1 and in neither.
    sql: bytes(`
      CREATE TABLE "M\xfcller" ("\xe4" text DEFAULT '\xdf', b text); CREATE TABLE "M\xc3\xbcller" (a text);
      CREATE SEQUENCE "z\xe4hler"; COMMENT ON TABLE "M\xfcller" IS '\xff\xfe';
      INSERT INTO "M\xfcller" VALUES ('\xff\xfe', 'caf\xc3\xa9'), ('\xe4', E'\\x80'); INSERT INTO "M\xc3\xbcller" VALUES ('\xc3\xbc');`),
  },
  {
    name: 'latin',
    form: "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
    sql: bytes(`CREATE TABLE "M\xfcller" (a text); INSERT INTO "M\xfcller" VALUES ('\xe4\xf6\xfc'), ('\xff');
      CREATE VIEW "\xfcber" AS SELECT '\xdf' AS s FROM "M\xfcller";`),
  },
  {
    name: 'japan',
    form: "ENCODING 'EUC_JP' LC_COLLATE 'C' LC_CTYPE 'C'",
    sql: bytes(`CREATE TABLE "\xc6\xfc\xcb\xdc" (a text); INSERT INTO "\xc6\xfc\xcb\xdc" VALUES ('\xb8\xec');`),
  },
  {
    name: 'german',
    form: "LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8' ENCODING 'UTF8'",
    sql: "CREATE TABLE t (a text); INSERT INTO t VALUES ('ä'), ('z'); CREATE INDEX ON t (a);",
  },
  {
    name: 'builtin',
    form: "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' ENCODING 'UTF8'",
    sql: "CREATE TABLE t (a text); INSERT INTO t VALUES ('ä'), ('z'); CREATE INDEX ON t (a);",
    since: 17,
  },
];

describe.each(postgresVersions())('G13, G14: PostgreSQL %s', (version) => {
  const shared = sharedCluster({ version });

  test.each(specimens.filter(({ since = 0 }) => Number(version) >= since))(
    'brings back a database that is $form',
    async ({ name, form, sql }) => {
      const cluster = shared();
      await make(cluster, name, form, sql);
      const depot = await openDepot();
      // Without a table of contents, a script says next to nothing of the database it came from.
      for (const format of name === 'japan' ? (['plain'] as const) : formats) {
        const manifest = await depot.backUp(cluster, name, { options: { format } });
        expect((await depot.verify(manifest, cluster.binDir)).problems).toEqual([]);
        if (format === 'plain' && name !== 'japan') continue;
        await depot.restore(manifest, cluster, `${name} copy`);
        expect(await dataOf(cluster, `${name} copy`)).toBe(await dataOf(cluster, name));
        expect(await formOf(cluster, `${name} copy`)).toBe(await formOf(cluster, name));
      }
    },
  );

  test('warns of a collation whose version has changed, and proves the backup all the same', async () => {
    const cluster = shared();
    await make(cluster, 'aged', specimens.find(({ name }) => name === 'german')?.form ?? '', 'CREATE TABLE t (a text)');
    await cluster.sql('postgres', "UPDATE pg_database SET datcollversion = '1.1' WHERE datname = 'aged'");
    const depot = await openDepot();
    const manifest = await depot.backUp(cluster, 'aged');
    expect(manifest.warnings).toEqual([expect.stringMatching(/default collation .* was version 1\.1 .*REINDEX/)]);
    expect((await depot.verify(manifest, cluster.binDir)).problems).toEqual([]);
  });

  test('sorts as in C where the server has no such locale, and says so', async () => {
    const cluster = shared();
    await make(
      cluster,
      'far',
      "ENCODING 'UTF8' LOCALE 'C.UTF-8'",
      "CREATE TABLE t (a text); INSERT INTO t VALUES ('ä')",
    );
    const file = join(await temporaryFolder(), 'far.dump');
    await execa(join(cluster.binDir, 'pg_dump'), ['-Fc', '-Z0', '-f', file, 'far'], { env: cluster.env });
    // A name of the same length that no system has.
    await writeFile(
      file,
      Buffer.from((await readFile(file)).toString('latin1').replaceAll("'C.UTF-8'", "'X.UTF-8'"), 'latin1'),
    );
    const { ports, events } = await openDepot();
    const subject = await openForeign(file, ports, { signal: patient });
    const destination = addressOf(cluster, 'far copy');
    await restore({ subject, destination, replace: false, allowOpen: false, checks: [], signal: patient }, ports);
    expect(await formOf(cluster, 'far copy')).toContain('UTF8|C|C');
    expect(await dataOf(cluster, 'far copy')).toBe(await dataOf(cluster, 'far'));
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'warning', message: expect.stringContaining('text sorts as in locale C') }),
    );
  });
});

async function make(cluster: Cluster, name: string, form: string, sql: string | Buffer): Promise<void> {
  await cluster.sql('postgres', `CREATE DATABASE "${name}" TEMPLATE template0 ${form}`);
  const encoding = await cluster.sql(name, 'SELECT getdatabaseencoding()');
  const env = { ...cluster.env, PGDATABASE: name, PGCLIENTENCODING: encoding };
  await execa(join(cluster.binDir, 'psql'), ['-Xq', '-v', 'ON_ERROR_STOP=1', '-f', '-'], { env, input: sql });
}

/** All of it as plain tools see it, without what differs from dump to dump. */
async function dataOf(cluster: Cluster, name: string): Promise<string> {
  const { stdout } = await execa(join(cluster.binDir, 'pg_dump'), ['-d', `dbname='${name}'`], {
    env: cluster.env,
    encoding: 'latin1',
  });
  return stdout.replace(/^\\(un)?restrict .*$/gm, '');
}

function formOf(cluster: Cluster, name: string): Promise<string> {
  const columns =
    "pg_encoding_to_char(encoding), datcollate, datctype, datlocprovider, to_json(d)->>'daticulocale', to_json(d)->>'datlocale'";
  return cluster.sql('postgres', `SELECT ${columns} FROM pg_database d WHERE datname = '${name}'`);
}
