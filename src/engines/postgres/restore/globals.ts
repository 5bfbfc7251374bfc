import { DbopsError } from '../../../core/errors.ts';
import type { StageRequest } from '../../../core/ports/engine.ts';
import { guardScript } from '../script/guard.ts';
import type { OpenedDump } from './dump-content.ts';
import { runRestore } from './pg-restore.ts';
import type { Server } from './server.ts';

/**
 * Restores the roles and tablespaces of a backup. What exists stays as it is; any other refusal is an error.
 * @throws DbopsError NOTHING_MATCHES when the backup has none
 */
export async function restoreGlobals(
  server: Server,
  { parts, content: { globals } }: OpenedDump,
  request: StageRequest,
): Promise<string[]> {
  if (globals === undefined) {
    throw new DbopsError('NOTHING_MATCHES', 'the backup has no globals', {
      hint: 'They are stored by `dbops backup --globals`.',
    });
  }
  const { signal } = request;
  const source = await parts.open(globals.name, { signal });
  const guard = guardScript({ allowMeta: false, allowConnect: true });
  source.once('error', (error) => guard.destroy(error));
  guard.once('close', () => source.destroy());
  const said = await runRestore({
    connection: server.connection,
    program: server.psql,
    // Each statement for itself: those that exist are no reason to leave out the others.
    args: ['--no-psqlrc', '--quiet', '--output=/dev/null', '--file=-'],
    input: source.pipe(guard),
    signal,
    keepGoing: true,
    refusal: 'SOURCE_REFUSED',
    label: globals.name,
  });
  const errors = said.filter((line) => line.includes('ERROR:'));
  const refused = errors.filter((line) => !/ already exists/.test(line));
  if (refused.length === 0) return errors.length === 0 ? [] : [`${errors.length} roles or tablespaces existed already`];
  throw new DbopsError('SOURCE_REFUSED', `the globals cannot be restored: ${refused.slice(0, 5).join('; ')}`, {
    hint: 'Restore them as a superuser, or create what is missing by hand and leave --globals out.',
  });
}
