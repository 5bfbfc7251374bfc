import { tokensOf } from '../../../core/sql/tokens.ts';
import { openSession } from '../connection/session.ts';
import { quoteIdentifier } from '../facts/sql-text.ts';
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
  const schemasOf = (statement: Buffer): string[] => (tablesAlone ? schemaOf(statement) : []);
  return {
    needsOf: (statement) => [
      ...rolesOf(statement).map((name) => `role ${name}`),
      ...schemasOf(statement).map((name) => `schema ${name}`),
    ],
    provide: async (needs) => {
      const named = (kind: string): string[] =>
        needs.flatMap((need) => (need.startsWith(`${kind} `) ? [need.slice(kind.length + 1)] : []));
      const missing = await missingRoles(named('role'), server.session.query);
      await createStandIns(missing, server.session.query);
      made.roles.push(...missing);
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

/** The schema in which a statement makes a table or a sequence, or fills one. */
function schemaOf(statement: Buffer): string[] {
  const { creates, fills, table, sequence } = subjectOf(tokensOf(statement.subarray(0, 4_096), 40));
  const name = table ?? sequence;
  if (name === undefined || name.length < 2 || (creates === undefined && fills !== true)) return [];
  const [schema = 'public'] = name.slice(-2);
  return schema === 'public' || schema.startsWith('pg_') ? [] : [schema];
}
