import type { Clients } from '../connection/clients.ts';
import type { Connection } from '../connection/connection.ts';
import type { Session } from '../connection/session.ts';
import type { Environment } from '../facts/environment.ts';

/** An opened database: two sessions on it, and the programs that fit its server. */
export interface OpenDatabase {
  readonly connection: Connection;
  readonly sessions: readonly Session[];
  readonly clients: Clients<'pg_dump' | 'pg_dumpall'>;
  readonly environment: Environment;
  readonly signal: AbortSignal;
}
