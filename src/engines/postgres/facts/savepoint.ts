import type { Query } from '../connection/query.ts';

/**
 * Does reading work behind a savepoint and takes it back: settings are as before, a refusal leaves the transaction
 * usable, and locks are given back. Whatever is read is locked, if only against DDL, until its transaction ends, and the server
 * has room for some thousands of locks.
 */
export async function inSavepoint<T>(query: Query, work: () => Promise<T>): Promise<T> {
  await query('SAVEPOINT dbops_reading');
  try {
    return await work();
  } finally {
    await query('ROLLBACK TO SAVEPOINT dbops_reading');
    await query('RELEASE SAVEPOINT dbops_reading');
  }
}
