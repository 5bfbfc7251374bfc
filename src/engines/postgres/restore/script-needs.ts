import { decode, tokensOf } from '../../../core/sql/tokens.ts';
import type { Query } from '../connection/query.ts';
import { openSession } from '../connection/session.ts';
import { quoteIdentifier, quoteLiteral } from '../facts/sql-text.ts';
import type { Preparation } from '../script/guard.ts';
import { mentionedRoles } from '../script/mentioned-roles.ts';
import { subjectOf } from '../script/subject.ts';
import { createStandIns, missingRoles, standInWarning } from './preflight.ts';
import type { Server } from './server.ts';
import type { SideDatabase } from './side-database.ts';

export interface ScriptNeeds extends Preparation {
  /** What was made for the script, in words. */
  warnings(): readonly string[];
}

/**
 * Makes what a plain script takes for granted, while it passes: roles on a server of no other use, and for a dump of
 * single tables the schemas that they stand in.
 */
export function createScriptNeeds(server: Server, { connection }: SideDatabase, tablesAlone: boolean): ScriptNeeds {
  const made = { roles: [] as string[], schemas: [] as string[] };
  const rolesOf = (statement: Buffer): string[] => (server.throwAway ? mentionedRoles(statement) : []);
  const tablespacesOf = (statement: Buffer): string[] => (server.throwAway ? tablespaceOf(statement) : []);
  const schemasOf = (statement: Buffer): string[] => (tablesAlone ? schemaOf(statement) : []);
  return {
    needsOf: (statement) => [
      ...rolesOf(statement).map((name) => `role ${name}`),
      ...tablespacesOf(statement).map((name) => `tablespace ${name}`),
      ...schemasOf(statement).map((name) => `schema ${name}`),
    ],
    provide: async (needs) => {
      const named = (kind: string): string[] =>
        needs.flatMap((need) => (need.startsWith(`${kind} `) ? [need.slice(kind.length + 1)] : []));
      const missing = await missingRoles(named('role'), server.session.query);
      await createStandIns(missing, server.session.query);
      made.roles.push(...missing);
      for (const name of named('tablespace')) await standInForTablespace(name, server.session.query);
      const schemas = named('schema');
      if (schemas.length === 0) return;
      await using session = await openSession({ connection, psql: server.psql, signal: server.signal });
      for (const name of schemas) await session.query(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(name)}`);
      made.schemas.push(...schemas);
    },
    warnings: () => [
      ...standInWarning(made.roles),
      ...(made.schemas.length === 0
        ? []
        : [`schemas that the dump does not hold were made: ${made.schemas.join(', ')}`]),
    ],
  };
}

/** `SET default_tablespace = fast;`, as pg_dump writes it before what lies there. */
function tablespaceOf(statement: Buffer): string[] {
  if (!/^set default_tablespace/i.test(statement.toString('latin1', 0, 30))) return [];
  const [, , , value] = tokensOf(statement.subarray(0, 500), 5);
  return value === undefined || value.text === '' ? [] : [decode(value.text)];
}

/** Within the server's own folder, which PostgreSQL 15 and newer can. */
async function standInForTablespace(name: string, query: Query): Promise<void> {
  const there = await query(`SELECT 1 AS one FROM pg_catalog.pg_tablespace WHERE spcname = ${quoteLiteral(name)}`);
  if (there.length > 0) return;
  await query('SET allow_in_place_tablespaces = on');
  await query(`CREATE TABLESPACE ${quoteIdentifier(name)} LOCATION ''`);
}

/** The schema in which a statement makes a table or a sequence, or fills one. */
function schemaOf(statement: Buffer): string[] {
  const { creates, fills, table, sequence } = subjectOf(tokensOf(statement.subarray(0, 4_096), 40));
  const name = table ?? sequence;
  if (name === undefined || name.length < 2 || (creates === undefined && fills !== true)) return [];
  const [schema = 'public'] = name.slice(-2);
  return schema === 'public' || schema.startsWith('pg_') ? [] : [schema];
}
