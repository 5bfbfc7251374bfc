/** A statement of an archive that the server refused. */
export interface FailedStatement {
  /** On one line, and cut. */
  readonly statement: string;
  /** The server's words. */
  readonly error: string;
}

/**
 * Reads what pg_restore (13 to 18) says of statements that failed: `error: could not execute query: ERROR:  …`, then
 * `Command was: …` with the lines of the statement. An error of rows names none.
 */
export function failedStatements(said: readonly string[]): FailedStatement[] {
  const starts = said.flatMap((line, at) => (line.startsWith('pg_restore: ') ? [at] : []));
  return starts.flatMap((start, index) => {
    const lines = said.slice(start, starts[index + 1]);
    const error = /error: .*?ERROR:\s+(.*)$/.exec(lines[0] ?? '')?.[1];
    if (error === undefined) return [];
    const command = lines.findIndex((line) => line.startsWith('Command was: '));
    const statement =
      command < 0 ? '' : lines.slice(command).join(' ').replace('Command was: ', '').replace(/\s+/g, ' ');
    return [{ statement: statement.slice(0, 120), error }];
  });
}

/** Definitions without which tables and rows are still whole. */
const expendable =
  /^(ALTER|COMMENT|GRANT|REVOKE|SECURITY LABEL|REFRESH|CREATE (OR REPLACE |UNIQUE |CONSTRAINT |RECURSIVE |MATERIALIZED |EVENT )*(VIEW|INDEX|TRIGGER|RULE|POLICY|STATISTICS|FUNCTION|PROCEDURE|AGGREGATE|OPERATOR|CAST|PUBLICATION)) /;

/** It lacks what it refers to, and no rows are lost by that. */
export function isDangling({ statement, error }: FailedStatement): boolean {
  return expendable.test(statement) && error.endsWith(' does not exist');
}
