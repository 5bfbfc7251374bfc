import { z } from 'zod';
import { dumpOptionsSchema } from '../core/dump-options.ts';
import { isDuration } from '../core/duration.ts';
import { factLevels, verifyLevels } from '../core/levels.ts';
import { tolerances } from '../core/migrations/plan.ts';
import { storageSettingsSchema } from '../core/storage-settings.ts';

const duration = z
  .string()
  .refine(isDuration, 'not a duration: write a whole number and ms, s, m, h, d, w, mo or y')
  .meta({ examples: ['90s', '30d'], description: 'A whole number and a unit: ms, s, m, h, d, w, mo (31 days), y.' });

const count = z.int().min(1);

const retention = z
  .strictObject({
    classes: z
      .record(z.string(), z.union([z.literal('forever'), duration]))
      .optional()
      .describe('Age limit by class; replaces the default limit of the classes it names.'),
    last: count.optional().describe('Keep the newest n.'),
    hourly: count.optional().describe('Keep the newest of each of n hours.'),
    daily: count.optional().describe('Keep the newest of each of n days (UTC).'),
    weekly: count.optional().describe('Keep the newest of each of n weeks, from Monday.'),
    monthly: count.optional().describe('Keep the newest of each of n months.'),
    yearly: count.optional().describe('Keep the newest of each of n years.'),
    within: duration.optional().describe('Keep everything younger than this.'),
  })
  .describe('Rules that combine: a backup stays when any of them keeps it.');

const compress = z
  .string()
  .regex(
    /^(none|zstd(:([1-9]|1[0-9]))?|gzip(:[1-9])?)$/,
    'write zstd, zstd:1 to zstd:19, gzip, gzip:1 to gzip:9, or none',
  )
  .describe('zstd[:level], gzip[:level] or none.');

const words = z.array(z.string().min(1)).min(1);

const encryption = z
  .strictObject({
    recipients: words.optional().describe('Public keys that backups are encrypted for: age1…, ssh-ed25519 ….'),
    recipientFiles: words.optional().describe('Files with a public key a line.'),
    passphrase: z
      .literal(true)
      .optional()
      .describe('Encrypt with a passphrase instead: of DBOPS_AGE_PASSPHRASE, passphraseCommand or a prompt.'),
    passphraseCommand: words.optional().describe('A program and its arguments that prints the passphrase.'),
    identities: words
      .optional()
      .describe('Files with the secret keys that read backups again; others must not read them.'),
    identityCommand: words.optional().describe('A program and its arguments that prints secret keys.'),
    facts: z
      .enum(['sealed', 'open'])
      .optional()
      .describe(
        'sealed (default): names of tables and numbers of rows are encrypted too; open: the manifest shows them.',
      ),
  })
  .describe('Encryption by age; each key of a target replaces the general one.');

const storageWord = z.string().min(1);
const storageWords = z.array(storageWord).min(1);

const storage = z.union([
  storageWord,
  z.strictObject({
    url: storageWord.describe('A folder, or s3://bucket/prefix.'),
    ...storageSettingsSchema.shape,
    retention: retention.optional().describe('Rules for this storage; each key here replaces the general one.'),
  }),
]);

const migrations = z
  .strictObject({
    folder: z.string().min(1).optional().describe('Where the files are; relative to this file. Default: migrations.'),
    table: z.string().min(1).optional().describe('The ledger, with a schema before it or not: app.schema_migrations.'),
    allow: z.array(z.enum(tolerances)).optional().describe('What does not stop a run: out-of-order, missing, edited.'),
    backup: z
      .enum(['auto', 'always', 'never'])
      .optional()
      .describe('Whether a run that changes something backs up first.'),
    backupLimit: z
      .int()
      .min(0)
      .optional()
      .describe('Bytes of a database above which `auto` refuses to decide. Default: 10 GB.'),
  })
  .describe('How the database is migrated.');

const target = z.strictObject({
  database: z
    .string()
    .min(1)
    .describe('sqlite:path or a path, relative to this file; postgres://user@host/name or service=name.'),
  storage: storageWord.optional().describe('A name under storages, a folder or a URL.'),
  storages: storageWords.optional().describe('Several of them: one dump goes into each.'),
  class: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'write lower-case letters, digits and dashes')
    .optional()
    .describe('Class of its backups where --class does not say another.'),
  compress: compress.optional(),
  encryption: z
    .union([z.literal(false), encryption])
    .optional()
    .describe('false: its backups are not encrypted; else each key here replaces the general one.'),
  facts: z.enum(factLevels).optional().describe('rows, or content for a digest of every table.'),
  protected: z.boolean().optional().describe('Replacing this database needs its name: --yes-replace <name>.'),
  replica: z
    .string()
    .min(1)
    .optional()
    .describe('A standby of the database, which is dumped in its place; restores go to the database itself.'),
  via: z
    .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
    .optional()
    .describe("Words before the database's programs, which then run elsewhere: docker compose exec -T db."),
  binDir: z.string().min(1).optional().describe("The only folder in which the database's programs are looked for."),
  dump: dumpOptionsSchema.optional().describe('What of the database is dumped, and how.'),
  lockTimeout: duration.optional().describe('How long to wait for locks of other programs.'),
  migrations: migrations.optional(),
  checks: z
    .array(z.strictObject({ name: z.string().min(1), sql: z.string().min(1).describe('Must return no rows.') }))
    .optional()
    .describe('Run on every restored copy before it is trusted.'),
  retention: retention.optional(),
});

/** The configuration file. Strict: an unknown key is an error, because a misspelt rule is a rule that does not hold. */
export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  targets: z
    .record(z.string(), target)
    .optional()
    .describe('The databases, by name: lower-case letters, digits, dots, dashes and underscores.'),
  storages: z
    .record(z.string(), storage)
    .optional()
    .describe('Names for folders and URLs, with what else has to be said of them.'),
  storage: z
    .union([storageWord, storageWords])
    .optional()
    .describe('The default, or several: a name under storages, a folder or a URL.'),
  compress: compress.optional(),
  encryption: encryption.optional(),
  verify: z
    .enum(['none', ...verifyLevels])
    .optional()
    .describe('What `backup` proves before it reports success.'),
  retention: retention.optional(),
  lockWait: duration.optional().describe('How long to wait for another run on the same target.'),
  scratchDir: z.string().min(1).optional().describe('Where snapshots and test restores are put.'),
  scratchUrl: z
    .string()
    .min(1)
    .optional()
    .describe('A PostgreSQL server on which test databases are made; without one, a throw-away server is started.'),
});

export type ConfigFile = Readonly<z.infer<typeof configSchema>>;
export type TargetConfig = Readonly<z.infer<typeof target>>;
export type MigrationsConfig = Readonly<z.infer<typeof migrations>>;
export type EncryptionConfig = Readonly<z.infer<typeof encryption>>;
export type StorageConfig = Readonly<z.infer<typeof storage>>;

/** The JSON Schema (draft 2020-12) of the configuration, for editors. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { unrepresentable: 'any' });
  return { title: 'dbops configuration', ...schema };
}
