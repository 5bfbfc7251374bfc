import { describe, expect, test } from 'vitest';
import { openDepot } from '../support/postgres/round-trip.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { postgresVersions } from '../support/postgres/versions.ts';

const objects = `
  CREATE TABLE log (what text);
  CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO log VALUES (TG_TAG); END $$;
  CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION note();
  CREATE TABLE seen (a int); INSERT INTO seen VALUES (1); CREATE INDEX ON seen (a);
`;

describe.each(postgresVersions())('event triggers of PostgreSQL %s', (version) => {
  const shared = sharedCluster({ version });

  test('change no copy while it is restored, looked at and put in place', async () => {
    const cluster = shared();
    const before = "log's";
    await cluster.sql('postgres', `CREATE DATABASE "${before}" TEMPLATE template0`);
    await cluster.sql(before, objects);
    if (Number(version) >= 17) {
      await cluster.sql(before, 'CREATE EVENT TRIGGER on_login ON login EXECUTE FUNCTION note()');
    }
    const depot = await openDepot();
    for (const format of ['custom', 'plain'] as const) {
      const manifest = await depot.backUp(cluster, before, { options: { format } });
      expect((await depot.verify(manifest, cluster.binDir)).problems).toEqual([]);
      await depot.restore(manifest, cluster, `copy ${format}`);
    }
  });
});
