import type { EngineDriver } from '../engine-driver.ts';
import { formatAddress, isPostgresAddress, parseAddress } from './connection/address.ts';
import { isSameDatabase } from './connection/same-database.ts';
import { recognisesDump } from './recognise.ts';

/** `postgres://…`, `postgresql://…`, or libpq's keywords and values: `service=shop`, `host=db dbname=shop`. */
export const postgresDriver: EngineDriver = {
  name: 'postgres',
  claims: isPostgresAddress,
  recognises: recognisesDump,
  recognisesFolder: (names) => names.includes('toc.dat'),
  locate: (address, _folder, dbname) => {
    const { parameters, password } = parseAddress(address);
    const located = dbname === undefined ? parameters : { ...parameters, dbname };
    return { location: formatAddress(located), ...(password === undefined ? {} : { password }) };
  },
  places: 'server',
  isSame: isSameDatabase,
  nameOf: (location) => {
    const { dbname, service, user } = parseAddress(location).parameters;
    return dbname ?? service ?? user ?? 'postgres';
  },
  load: async (host) => (await import('./postgres-engine.ts')).createPostgresEngine(host),
  loadMigrations: async (host) => (await import('./migrate/target.ts')).createPostgresMigrations(host),
};
