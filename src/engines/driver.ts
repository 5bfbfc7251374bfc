import { DbopsError } from '../core/errors.ts';
import type { EngineDriver } from './engine-driver.ts';
import { postgresDriver } from './postgres/driver.ts';
import { sqliteDriver } from './sqlite/driver.ts';

/** Every kind of database. Adding one is a folder and a line here. */
export const engineDrivers: readonly EngineDriver[] = [postgresDriver, sqliteDriver];

/** @throws DbopsError USAGE when no engine knows such addresses. */
export function engineForAddress(address: string): EngineDriver {
  const driver = engineDrivers.find((candidate) => candidate.claims(address));
  if (driver !== undefined) return driver;
  throw new DbopsError('USAGE', `no engine is known for ${address.slice(0, address.indexOf(':'))}: addresses`, {
    hint: `Known engines: ${engineDrivers.map(({ name }) => name).join(', ')}. For SQLite give a path or sqlite:path, for PostgreSQL postgresql://user@host/name.`,
  });
}

/** @throws DbopsError CONFIG_INVALID when a manifest names an engine that this dbops does not have. */
export function engineByName(name: string): EngineDriver {
  const driver = engineDrivers.find((candidate) => candidate.name === name);
  if (driver !== undefined) return driver;
  throw new DbopsError('CONFIG_INVALID', `this dbops has no engine ${JSON.stringify(name)}`, {
    hint: 'Upgrade dbops on this machine, or restore with the standard tools as docs/format.md describes.',
  });
}
