/** One row, by column name, each value in the server's text form. */
export type Row = Readonly<Record<string, string | null>>;

/**
 * Runs one statement in a session and gives its rows. Rejects with a `SqlError` when the server refuses it, and with a
 * DbopsError SOURCE_REFUSED when the connection is lost.
 */
export type Query = (sql: string) => Promise<readonly Row[]>;

/** What the server said against a statement. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  /** Five characters, such as `42501` for insufficient privilege (PostgreSQL manual, appendix A). */
  readonly state: string;

  constructor(state: string, message: string) {
    super(message);
    this.state = state;
  }
}
