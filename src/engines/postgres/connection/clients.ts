import { join } from 'node:path';
import { DbopsError } from '../../../core/errors.ts';
import { describeEnd, outputOf, startProgram } from '../../../platform/program.ts';
import { collect } from '../../../streams/collect.ts';
import { parseProgramVersion, type ProgramVersion } from '../tools/program-version.ts';
import { findClientPrograms, type ClientProgram } from '../tools/programs.ts';
import type { Connection } from './connection.ts';

/** Client programs on a connection's way, whether here or where `via` leads. */
export interface Clients<N extends ClientProgram> {
  readonly version: ProgramVersion;
  readonly paths: Readonly<Record<N, string>>;
}

/** @throws DbopsError TOOL_MISSING when there are none that are new enough for the server */
export async function findClients<N extends ClientProgram>(
  connection: Connection,
  names: readonly N[],
  atLeastMajor: number,
  signal: AbortSignal,
): Promise<Clients<N>> {
  const { path, binDir } = connection;
  if (connection.via.length === 0) return findClientPrograms({ path, binDir, atLeastMajor, names });
  const paths = Object.fromEntries(
    names.map((name) => [name, binDir === undefined ? name : join(binDir, name)]),
  ) as Record<N, string>;
  const found = await Promise.all(names.map((name) => versionOf(connection, paths[name], signal)));
  const [version] = found.toSorted((a, b) => a.major - b.major);
  if (version !== undefined && version.major >= atLeastMajor) return { version, paths };
  throw new DbopsError(
    'TOOL_MISSING',
    `${names.join(' and ')} ${version?.text ?? ''} there cannot read a server of PostgreSQL ${atLeastMajor}`,
    {
      hint: `Run a newer client through ${connection.via.join(' ')}, or name its folder there with binDir.`,
    },
  );
}

async function versionOf(connection: Connection, program: string, signal: AbortSignal): Promise<ProgramVersion> {
  const { file, args, env, preface } = connection.command(program, ['--version']);
  const running = startProgram({ file, args, env, ...(preface === '' ? {} : { stdin: { text: preface } }), signal });
  const fail = (said: string): DbopsError =>
    new DbopsError('TOOL_MISSING', `${program} cannot be run by ${connection.via.join(' ')}: ${said}`, {
      hint: 'Try the same words by hand, with --version behind them.',
    });
  const output = outputOf(running, (end) => (end.code === 0 ? undefined : fail(describeEnd(end))));
  const text = (await collect(output, 4_096, program)).toString();
  const version = parseProgramVersion(text);
  if (version === undefined) throw fail(`it says ${JSON.stringify(text.slice(0, 100))} for its version`);
  return version;
}
