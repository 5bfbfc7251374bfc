import { beforeAll, expect, test } from 'vitest';
import { expectNothingLeft, openPlace } from '../support/postgres/place.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const shared = sharedCluster();

beforeAll(async () => {
  const { sql } = shared();
  await sql('postgres', 'CREATE DATABASE shop');
  await sql(
    'shop',
    `CREATE ROLE boss; CREATE ROLE "odd ""reader"; CREATE TABLE item AS SELECT 1 AS i;
     ALTER TABLE item OWNER TO boss; GRANT SELECT ON item TO "odd ""reader";
     ALTER DEFAULT PRIVILEGES FOR ROLE boss GRANT SELECT ON TABLES TO "odd ""reader"`,
  );
});

test.each(['custom', 'plain', 'directory'])(
  'G17: roles that a test server lacks are no damage of a backup (%s)',
  async (format) => {
    const place = await openPlace();
    const made = await place.run(['backup', shared().url('shop'), '--format', format, '--verify', 'restore']);
    expect(made.stderr).not.toMatch(/^error/m);
    expect(made.exitCode, made.stdout).toBe(0);
    await expectNothingLeft(place, shared());
  },
);
