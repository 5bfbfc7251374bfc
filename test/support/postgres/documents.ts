import type { ServerOfDocuments } from '../shell.ts';
import type { Cluster } from './cluster.ts';

const shop = `
CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id integer PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id serial PRIMARY KEY, customer integer NOT NULL REFERENCES customers, total numeric NOT NULL);
CREATE SCHEMA audit;
CREATE TABLE audit.log (at timestamptz NOT NULL, what text NOT NULL);
INSERT INTO customers SELECT n, 'customer ' || n FROM generate_series(1, 20) AS n;
INSERT INTO users VALUES (1, 'a'), (2, 'b');
INSERT INTO orders (customer, total) SELECT 1 + n % 20, n FROM generate_series(1, 100) AS n;
INSERT INTO audit.log SELECT now(), 'it happened' FROM generate_series(1, 10);
GRANT SELECT ON orders TO app;
`;

/**
 * What the documents take for granted of a server: a database `shop` with users, customers and orders, its roles `app` and
 * `backup`, which reads everything, and variables that lead there. Whatever an earlier document made is removed.
 */
export async function prepareServer(cluster: Cluster): Promise<ServerOfDocuments> {
  await dropOthers(cluster);
  await cluster.sql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE backup LOGIN; GRANT pg_read_all_data TO backup');
  await cluster.sql('postgres', 'CREATE DATABASE shop OWNER app');
  await cluster.sql('shop', shop);
  const place = `?host=${cluster.socketFolder}`;
  return {
    standIn: (line) =>
      line
        .replace(/postgresql:\/\/(\w+)@db\.example\/(\w+)/g, `postgresql://$1@/$2${place}`)
        .replaceAll('db.example', cluster.socketFolder),
    env: { DATABASE_URL: cluster.url('shop'), SCRATCH_URL: cluster.url('postgres') },
  };
}

async function dropOthers(cluster: Cluster): Promise<void> {
  await cluster.sql(
    'postgres',
    "SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1') \\gexec",
  );
  await cluster.sql(
    'postgres',
    "SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname !~ '^(pg_|postgres$)' \\gexec",
  );
}
