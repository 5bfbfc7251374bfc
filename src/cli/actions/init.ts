import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONFIG_NAMES } from '../../config/load.ts';
import { configTemplate } from '../../config/template.ts';
import { DbopsError, hasCode, messageOf } from '../../core/errors.ts';
import { deriveTargetName } from '../../core/ids.ts';
import type { Host } from '../host.ts';
import type { CommandResult } from '../session.ts';
import type { World } from '../world.ts';

interface InitRequest {
  readonly database: string;
  readonly dryRun: boolean;
}

export async function init(host: Host, world: World, { database, dryRun }: InitRequest): Promise<CommandResult> {
  const file = join(host.cwd, CONFIG_NAMES[0]);
  const engine = world.engineForAddress(database);
  const { location, password } = engine.locate(database, host.cwd);
  const name = deriveTargetName(engine.nameOf(location));
  const text = configTemplate(password === undefined ? database : location, name, engine.name);
  if (dryRun) return { document: { ok: true, dryRun, file, target: name }, text: text.trimEnd() };
  try {
    writeFileSync(file, text, { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (hasCode(error, 'EEXIST')) {
      throw new DbopsError('REFUSED', `${file} exists`, { hint: 'Edit it, or move it away first.', cause: error });
    }
    throw new DbopsError('CONFIG_INVALID', `${file} cannot be written: ${messageOf(error)}`, { cause: error });
  }
  const next = `wrote ${file}\nnext: dbops config check, then dbops backup ${name}`;
  return { document: { ok: true, dryRun, file, target: name }, text: next };
}
