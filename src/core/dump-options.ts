import { z } from 'zod';
import { DbopsError } from './errors.ts';

// A word of an argument list cannot hold a NUL.
const patterns = z.array(z.string().regex(/^[^\0]{1,1000}$/, 'write 1 to 1000 characters')).min(1);

/**
 * What of a database is dumped, and how; an engine refuses what it cannot do. Patterns are those of pg_dump: `*` and
 * `?` as in a shell, a dot between schema and name, double quotes around what is meant literally.
 */
export const dumpOptionsSchema = z.strictObject({
  format: z
    .enum(['custom', 'plain', 'directory'])
    .optional()
    .describe('custom (default): one archive; plain: SQL; directory: a file a table, dumped by --jobs at once.'),
  jobs: z.int().min(1).max(64).optional().describe('Tables dumped at once, in the directory format.'),
  schemaOnly: z.boolean().optional().describe('Definitions without rows.'),
  dataOnly: z.boolean().optional().describe('Rows without definitions.'),
  tables: patterns.optional().describe('Only these tables.'),
  excludeTables: patterns.optional().describe('Not these tables.'),
  excludeTableData: patterns.optional().describe('Of these tables only the definition.'),
  schemas: patterns.optional().describe('Only these schemas.'),
  excludeSchemas: patterns.optional().describe('Not these schemas.'),
  owner: z.boolean().optional().describe('false: do not dump who owns what.'),
  acl: z.boolean().optional().describe('false: do not dump who may do what.'),
  blobs: z.boolean().optional().describe('false: leave large objects out.'),
  globals: z.boolean().optional().describe('Roles and tablespaces of the server beside the database.'),
  rolePasswords: z.boolean().optional().describe('With globals: the hashes of passwords too, where they can be read.'),
});

export type DumpOptions = Readonly<z.infer<typeof dumpOptionsSchema>>;
export type DumpFormat = NonNullable<DumpOptions['format']>;

/**
 * Refuses options of which one would have no effect, before anything is begun.
 * @throws DbopsError USAGE
 */
export function refuseContradictions(options: DumpOptions): void {
  const { format = 'custom', jobs, schemaOnly, dataOnly, globals, rolePasswords } = options;
  if (schemaOnly === true && dataOnly === true) {
    throw new DbopsError('USAGE', '--schema-only and --data-only exclude each other', { hint: 'Leave one out.' });
  }
  if (jobs !== undefined && format !== 'directory') {
    throw new DbopsError('USAGE', `--jobs has no effect with --format ${format}`, {
      hint: 'Only --format directory is dumped by several jobs.',
    });
  }
  if (rolePasswords === true && globals !== true) {
    throw new DbopsError('USAGE', '--role-passwords has no effect without --globals', { hint: 'Add --globals.' });
  }
}

/** The dump options among those that a manifest records; what a newer dbops added is left out. Undefined for nonsense. */
export function readDumpOptions(recorded: Readonly<Record<string, unknown>>): DumpOptions | undefined {
  const { success, data } = z.object(dumpOptionsSchema.shape).safeParse(recorded);
  return success ? data : undefined;
}
