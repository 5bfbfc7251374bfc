import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineDriver } from '../engine-driver.ts';
import { isSqliteHead } from './header.ts';

/** `sqlite:path`, `file:path`, `file:///path`, or a path. A path with a colon in it needs the `sqlite:` before it. */
export const sqliteDriver: EngineDriver = {
  name: 'sqlite',
  claims: (address) => /^(sqlite|file):/.test(address) || !/^[a-z][a-z0-9+.-]*:/i.test(address),
  recognises: isSqliteHead,
  recognisesFolder: () => false,
  locate: (address, folder) => {
    if (address.startsWith('file://')) return { location: fileURLToPath(address) };
    return { location: resolve(folder, address.replace(/^sqlite:\/\/(?=\/)|^(sqlite|file):/, '')) };
  },
  places: 'file',
  isSame: (one, other) => one === other,
  nameOf: (location) => basename(location),
  load: async () => (await import('./sqlite-engine.ts')).sqliteEngine,
  loadMigrations: async () => (await import('./migrate/target.ts')).sqliteMigrations,
};
