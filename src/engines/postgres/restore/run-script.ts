import { DbopsError } from '../../../core/errors.ts';
import type { PartInfo, PartSource, StageRequest } from '../../../core/ports/engine.ts';
import { systemRandom } from '../../../platform/clock.ts';
import { findClients } from '../connection/clients.ts';
import { guardScript, type Preparation } from '../script/guard.ts';
import type { ProgramVersion } from '../tools/program-version.ts';
import { openCounted } from './part-files.ts';
import type { RestoreProgramRequest } from './pg-restore.ts';
import type { Server } from './server.ts';

export interface ScriptSource {
  readonly server: Server;
  readonly parts: PartSource;
  /** Makes what the script takes for granted. */
  readonly preparation: Preparation;
}

/**
 * Plain SQL is a program for psql. What is more than SQL is not let through to it, and a psql that knows a restricted mode
 * is in it all the while.
 */
export async function runScript(
  { server, parts, preparation }: ScriptSource,
  part: PartInfo,
  request: StageRequest,
  run: (words: Pick<RestoreProgramRequest, 'program' | 'args' | 'input'>) => Promise<string[]>,
): Promise<string[]> {
  const { options: { keepGoing = false, allowCommands = false } = {}, signal } = request;
  const { paths, version } = await findClients(server.connection, ['psql'], 0, signal);
  const restricted = !allowCommands && knowsRestrict(version);
  if (keepGoing && !allowCommands && !restricted) refuseToGoOn(version);
  const source = await openCounted(parts, part, request);
  const guard = guardScript({
    allowMeta: allowCommands,
    allowConnect: false,
    allowCopyData: !keepGoing,
    preparation,
  });
  source.once('error', (error) => guard.destroy(error));
  guard.once('close', () => source.destroy());
  const key = Buffer.from(systemRandom(24)).toString('hex');
  const args = [
    '--no-psqlrc',
    '--quiet',
    `--set=ON_ERROR_STOP=${keepGoing ? 'off' : 'on'}`,
    '--output=/dev/null',
    ...(restricted ? [`--command=\\restrict ${key}`] : []),
    '--file=-',
  ];
  return run({ program: paths.psql, args, input: source.pipe(guard) });
}

// First minor versions whose psql has \restrict, by major version (release notes of August 2025).
const restrictSince: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 };

function knowsRestrict({ major, minor }: ProgramVersion): boolean {
  return major >= 18 || minor >= (restrictSince[major] ?? Number.POSITIVE_INFINITY);
}

// Behind a COPY that failed its rows would be read as statements and commands.
function refuseToGoOn({ text }: ProgramVersion): never {
  throw new DbopsError('REFUSED', `psql ${text} has no restricted mode, without which --keep-going is not safe here`, {
    hint: 'Update psql to the newest minor version, leave --keep-going out, or trust the script with --allow-commands.',
  });
}
