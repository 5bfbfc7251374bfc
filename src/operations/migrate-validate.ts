import { readMigrations, type MigrateRequest } from './migrate-request.ts';

export interface ValidateResult {
  readonly files: number;
  readonly problems: readonly string[];
  /** Versions that nothing undoes. */
  readonly irreversible: readonly string[];
}

/** Looks at the files alone, without a database. */
export async function validateMigrations({
  folder,
  engine,
}: Pick<MigrateRequest, 'folder' | 'engine'>): Promise<ValidateResult> {
  const { migrations, problems } = await readMigrations(folder, engine.rules);
  const irreversible = migrations.filter(({ rollback }) => rollback === undefined);
  return {
    files: migrations.length,
    problems,
    irreversible: irreversible.map(({ version, name }) => `${version}_${name}`),
  };
}
