/** One migration of a folder, by the names of its files. */
export interface MigrationName {
  /** Fourteen digits, `YYYYMMDDHHMMSS`: compared as text. */
  readonly version: string;
  readonly name: string;
  readonly file: string;
  /** The file that undoes it. */
  readonly rollbackFile: string | undefined;
}

export interface MigrationNames {
  /** In the order of their versions. */
  readonly migrations: readonly MigrationName[];
  /** Why this folder cannot be trusted. */
  readonly problems: readonly string[];
}

const form = /^(\d{14})_([A-Za-z0-9][A-Za-z0-9_-]*)\.sql$/;
const rollbackForm = /_rollback\.sql$/;

/**
 * Reads the names of a folder: `20261120020000_add_users.sql` and `20261120020000_add_users_rollback.sql`. A file is a
 * rollback only when removing the suffix gives the name of another one; files that are not SQL are nobody's business.
 */
export function readNames(files: readonly string[]): MigrationNames {
  const sql = files.filter((file) => file.endsWith('.sql') && !file.startsWith('.')).toSorted();
  const known = new Set(sql);
  const ups = sql.filter((file) => form.test(file) && !rollbackForm.test(file));
  const migrations = ups.map((file) => describe(file, known));
  const undone = new Set(migrations.map(({ rollbackFile }) => rollbackFile));
  const problems = [
    ...sql.filter((file) => !form.test(file)).map(badName),
    ...sql.filter((file) => form.test(file) && rollbackForm.test(file) && !undone.has(file)).map(alone),
    ...duplicates(migrations),
  ];
  return { migrations, problems };
}

/** The form of a name that `create` makes, undefined when it can make none of this. */
export function fileNameOf(version: string, name: string): string | undefined {
  const file = `${version}_${name}.sql`;
  return form.test(file) && !rollbackForm.test(file) ? file : undefined;
}

export function rollbackNameOf(file: string): string {
  return file.replace(/\.sql$/, '_rollback.sql');
}

function describe(file: string, known: ReadonlySet<string>): MigrationName {
  const [, version = '', name = ''] = form.exec(file) ?? [];
  const rollback = rollbackNameOf(file);
  return { version, name, file, rollbackFile: known.has(rollback) ? rollback : undefined };
}

function badName(file: string): string {
  return `${file} is not named like a migration (YYYYMMDDHHMMSS_name.sql)`;
}

function alone(file: string): string {
  return `${file} rolls back a migration that is not there (${file.replace(rollbackForm, '.sql')})`;
}

function duplicates(migrations: readonly MigrationName[]): string[] {
  return migrations.flatMap(({ version, file }, index) => {
    const before = migrations[index - 1];
    return before?.version === version ? [`${before.file} and ${file} have the same version`] : [];
  });
}
