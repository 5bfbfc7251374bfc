import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createCodecs } from '../../src/codecs/codecs.ts';
import type { DatabaseAddress } from '../../src/core/ports/engine.ts';
import { formatAddress, parseAddress } from '../../src/engines/postgres/connection/address.ts';
import { createPostgresEngine } from '../../src/engines/postgres/postgres-engine.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { engineSuite } from './engine.suite.ts';

const path = '/usr/bin:/bin';
const cluster = sharedCluster();

engineSuite('postgres', {
  engine: createPostgresEngine({ environment: { PATH: path }, temporaryFolder: '/tmp', codecs: createCodecs(path) }),
  place: (folder) => addressOf(`it's a "db" ${basename(folder)}`),
  create: async (at) => {
    await cluster().sql('postgres', `CREATE DATABASE ${quoted(nameOf(at))} TEMPLATE template0`);
    await cluster().sql(
      nameOf(at),
      `CREATE TABLE users (id serial PRIMARY KEY, name text, photo bytea); CREATE INDEX by_name ON users (name);
       INSERT INTO users (name, photo) SELECT name, decode(repeat('00', 20000), 'hex') FROM unnest('{ann,bob,cat}'::text[]) name`,
    );
  },
  addUser: async (at) => void (await cluster().sql(nameOf(at), "INSERT INTO users (name) VALUES ('new')")),
  countUsers: async (at) => Number(await cluster().sql(nameOf(at), 'SELECT count(*) FROM users')),
  damage: async (at) => {
    const file = await cluster().sql(nameOf(at), "CHECKPOINT; SELECT pg_relation_filepath('users')");
    await rm(join(cluster().dataFolder, file));
  },
  standing: async (at, folder) => {
    const ours = `datname LIKE '%${basename(folder)}%'`;
    const list = `SELECT datname, datacl, datconnlimit, shobj_description(oid, 'pg_database') FROM pg_database WHERE ${ours} ORDER BY 1`;
    const lines = (await cluster().sql('postgres', list)).split('\n').filter((line) => line !== '');
    const there = lines.some((line) => line.startsWith(`${nameOf(at)}|`));
    return there ? [...lines, await cluster().sql(nameOf(at), 'SELECT users FROM users ORDER BY id')] : lines;
  },
  kept: (_at, name) => addressOf(name),
  allUsers: 'SELECT * FROM users',
  users: 'public.users',
  get bench() {
    return { server: addressOf('postgres'), binDir: undefined };
  },
  servesDatabases: true,
  piecewise: false,
});

function addressOf(dbname: string): DatabaseAddress {
  const { socketFolder, port, user } = cluster();
  return { location: formatAddress({ host: socketFolder, port: String(port), user, dbname }), lockTimeoutMs: 5_000 };
}

function nameOf({ location }: DatabaseAddress): string {
  return parseAddress(location).parameters['dbname'] ?? '';
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
