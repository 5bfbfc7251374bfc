import { Option, type Command } from 'commander';
import type { DumpFormat, DumpOptions } from '../core/dump-options.ts';
import { parseCount } from './command.ts';

/** The flags that say what of a database is dumped, and how. */
export interface DumpFlags {
  readonly format?: DumpFormat;
  readonly jobs?: number;
  readonly schemaOnly?: true;
  readonly dataOnly?: true;
  readonly table?: readonly string[];
  readonly excludeTable?: readonly string[];
  readonly excludeTableData?: readonly string[];
  readonly schema?: readonly string[];
  readonly excludeSchema?: readonly string[];
  /** False by `--no-owner`, and so on. */
  readonly owner: boolean;
  readonly acl: boolean;
  readonly blobs: boolean;
  readonly globals?: true;
  readonly rolePasswords?: true;
}

export function dumpOptions(command: Command): Command {
  return command
    .optionsGroup('PostgreSQL:')
    .option('--all-databases', 'every database of the server, each as a target of its own')
    .addOption(
      new Option('--format <format>', 'of the dump (default: custom)').choices(['custom', 'plain', 'directory']),
    )
    .option('--jobs <n>', 'tables dumped at once, with --format directory', parseCount)
    .option('--schema-only', 'definitions without rows')
    .option('--data-only', 'rows without definitions')
    .option('--table <pattern...>', "only these tables; patterns are pg_dump's")
    .option('--exclude-table <pattern...>', 'not these tables')
    .option('--exclude-table-data <pattern...>', 'of these tables only the definition')
    .option('--schema <pattern...>', 'only these schemas')
    .option('--exclude-schema <pattern...>', 'not these schemas')
    .option('--no-owner', 'leave out who owns what')
    .option('--no-acl', 'leave out who may do what')
    .option('--no-blobs', 'leave out large objects')
    .option('--globals', 'also the roles and tablespaces of the server')
    .option('--role-passwords', 'with --globals: also the hashes of their passwords, where they can be read');
}

/** What was said by flags; the configuration's own options hold where nothing was. */
export function dumpOptionsOf(flags: DumpFlags): DumpOptions {
  const { format, jobs, schemaOnly, dataOnly, table, excludeTable, excludeTableData, schema, excludeSchema } = flags;
  const { globals, rolePasswords } = flags;
  return {
    ...(format === undefined ? {} : { format }),
    ...(jobs === undefined ? {} : { jobs }),
    ...(schemaOnly === undefined ? {} : { schemaOnly }),
    ...(dataOnly === undefined ? {} : { dataOnly }),
    ...(table === undefined ? {} : { tables: [...table] }),
    ...(excludeTable === undefined ? {} : { excludeTables: [...excludeTable] }),
    ...(excludeTableData === undefined ? {} : { excludeTableData: [...excludeTableData] }),
    ...(schema === undefined ? {} : { schemas: [...schema] }),
    ...(excludeSchema === undefined ? {} : { excludeSchemas: [...excludeSchema] }),
    ...(globals === undefined ? {} : { globals }),
    ...(rolePasswords === undefined ? {} : { rolePasswords }),
    ...(flags.owner ? {} : { owner: false }),
    ...(flags.acl ? {} : { acl: false }),
    ...(flags.blobs ? {} : { blobs: false }),
  };
}
