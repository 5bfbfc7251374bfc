import type { Query } from '../connection/query.ts';

/** A piece of work that any session can do. */
export type Task = (query: Query) => Promise<void>;

/** Lets every session take the next task as soon as it is free. Rejects with the first failure once all have stopped. */
export async function runTasks(queries: readonly Query[], tasks: readonly Task[]): Promise<void> {
  const waiting = tasks.values();
  const outcomes = await Promise.allSettled(
    queries.map(async (query) => {
      try {
        for (const task of waiting) await task(query);
      } catch (error) {
        // Nobody goes on with what is lost already.
        waiting.return?.();
        throw error;
      }
    }),
  );
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
