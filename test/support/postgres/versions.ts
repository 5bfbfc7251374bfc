const known = ['15', '17', '18'] as const;

/** A major version of PostgreSQL that the tests can have. */
export type PostgresVersion = (typeof known)[number];

/**
 * The versions that the tests run against: `DBOPS_TEST_PG=15,17,18`, and only Debian 12's own without it.
 * @throws when one is asked for that the tests do not know: a switch that does nothing would look like a pass.
 */
export function postgresVersions(): readonly PostgresVersion[] {
  const asked = (process.env['DBOPS_TEST_PG'] ?? '15').split(',').map((name) => name.trim());
  return asked.map((name) => {
    const version = known.find((candidate) => candidate === name);
    if (version !== undefined) return version;
    throw new Error(`DBOPS_TEST_PG asks for PostgreSQL "${name}"; these tests know ${known.join(', ')}`);
  });
}
