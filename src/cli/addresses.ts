import type { Target } from '../config/settings.ts';
import { DbopsError } from '../core/errors.ts';
import { deriveTargetName } from '../core/ids.ts';
import type { DatabaseAddress, TestBench } from '../core/ports/engine.ts';
import type { Session } from './session.ts';

/** Where a target's database is, in its engine's own words. */
export function addressOf(session: Session, target: Target): DatabaseAddress {
  const located = session.world.engineForAddress(target.address).locate(target.address, target.folder, target.database);
  if (located.password !== undefined) session.hide(located.password);
  return { ...located, lockTimeoutMs: target.lockTimeoutMs, access: target.access };
}

/** Where test restores of a target are made. */
export function benchOf(session: Session, target: Target | undefined, scratchUrl?: string): TestBench {
  const url = scratchUrl ?? session.settings.scratchUrl;
  return {
    server: url === undefined ? undefined : addressOf(session, session.targetOf(url)),
    binDir: target?.access.binDir,
  };
}

/** A server's databases, each a target of its own with a name made of both. */
export async function expandTarget(session: Session, target: Target): Promise<Target[]> {
  const engine = await session.ports.engineByName(session.world.engineForAddress(target.address).name);
  const databases = await engine.databases(addressOf(session, target), { signal: session.signal });
  const expanded = databases.map((database) => ({
    ...target,
    name: deriveTargetName(`${target.name}.${database}`),
    database,
  }));
  const names = expanded.map(({ name }) => name);
  const twice = expanded.filter(({ name }, index) => names.indexOf(name) !== index);
  if (twice.length === 0) return expanded;
  throw new DbopsError(
    'USAGE',
    `the names of several databases become one target: ${twice.map(({ name }) => name).join(', ')}`,
    {
      hint: 'Give each of them a name of its own under targets: in dbops.yaml.',
    },
  );
}
