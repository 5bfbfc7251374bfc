import type { Query } from '../connection/query.ts';

/** All of these statements or none. */
export async function inTransaction(query: Query, statements: readonly string[]): Promise<void> {
  await query('BEGIN');
  try {
    for (const statement of statements) await query(statement);
    await query('COMMIT');
  } catch (error) {
    await query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
