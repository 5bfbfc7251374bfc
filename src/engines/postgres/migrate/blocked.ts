import { systemClock } from '../../../platform/clock.ts';
import type { Query, Row } from '../connection/query.ts';

const lookEveryMs = 250;

/** Who stood in the way of a session while work was done in it; asked from another session. */
export async function watchBlockers<T>(
  watcher: Query,
  pid: string,
  work: Promise<T>,
): Promise<{ readonly outcome: PromiseSettledResult<T>; readonly holders: readonly string[] }> {
  const over = new AbortController();
  const watching = watch(watcher, pid, over.signal);
  const [outcome] = await Promise.allSettled([work]);
  over.abort();
  return { outcome, holders: await watching };
}

/** The last ones that were seen; nobody when the watcher's session is lost. */
async function watch(query: Query, pid: string, over: AbortSignal): Promise<readonly string[]> {
  let holders: readonly string[] = [];
  try {
    for (;;) {
      await systemClock.sleep(lookEveryMs, over);
      const rows = await query(`
        SELECT a.pid::text AS pid, coalesce(a.usename, '') AS role, coalesce(a.application_name, '') AS application,
          coalesce(a.state, '') AS state, coalesce(left(a.query, 200), '') AS statement,
          coalesce(pg_catalog.date_trunc('second', pg_catalog.clock_timestamp() - a.xact_start)::text, '?') AS since
        FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY (pg_catalog.pg_blocking_pids(${Number(pid)})) ORDER BY 1 LIMIT 5`);
      if (rows.length > 0) holders = rows.map(describe);
    }
  } catch {
    return holders;
  }
}

function describe({ pid, role, application, state, since, statement }: Row): string {
  const who = [role, application].filter((word) => word !== '' && word !== null).join(', ');
  return `process ${pid} (${who}), ${state}, in a transaction for ${since}: ${beginning(statement ?? '')}`;
}

/** No further than the first value: those are somebody's data. */
function beginning(statement: string): string {
  const [shown = ''] = /^(?:(?!'|\$|--|\/\*)[^])*/.exec(statement) ?? [];
  return shown
    .replace(/\b\d[\w.]*/g, '…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 100);
}
