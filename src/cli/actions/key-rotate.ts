import { exitCodeOf } from '../../core/errors.ts';
import { storedBytes } from '../../core/manifest.ts';
import { formatBytes } from '../../report/format.ts';
import { errorDocument } from '../failure.ts';
import { rotateStorage, type Rotated, type RotateFlags } from '../run-rotate.ts';
import type { CommandResult, Session } from '../session.ts';

/**
 * Each target has its own keys, and each storage its own copies; what fails for one backup or storage does not keep the
 * others from being encrypted anew.
 */
export async function rotateAll(session: Session, flags: RotateFlags): Promise<CommandResult> {
  const { settings, signal } = session;
  const target = flags.target === undefined ? undefined : settings.configured(flags.target);
  const choices = settings.storagesOf(target, flags.storage ?? []);
  const done: Rotated[] = [];
  const failures: FailedStorage[] = [];
  for (const choice of choices) {
    try {
      done.push(...(await rotateStorage(session, choice, flags)));
    } catch (error) {
      if (choices.length === 1) throw error;
      signal.throwIfAborted();
      failures.push({ storage: choice.location, error });
    }
  }
  return present(done, failures, flags.dryRun === true);
}

interface FailedStorage {
  readonly storage: string;
  readonly error: unknown;
}

function present(done: readonly Rotated[], failures: readonly FailedStorage[], dryRun: boolean): CommandResult {
  const failed = done.filter(({ error }) => error !== undefined);
  const [first] = [...failures, ...failed];
  const exitCode = first === undefined ? 0 : exitCodeOf(first.error);
  const words = [
    ...(failed.length === 0 ? [] : [`${failed.length} of ${done.length} backups stay as they were`]),
    ...failures.map(({ storage }) => `nothing was encrypted anew in ${storage}`),
  ];
  return {
    exitCode,
    document: {
      ok: exitCode === 0,
      exitCode,
      dryRun,
      backups: done.map(toDocument),
      ...(failures.length === 0
        ? {}
        : { errors: failures.map(({ storage, error }) => ({ storage, error: errorDocument(error) })) }),
    },
    text: [
      ...done.map((rotated) => describe(rotated, dryRun)),
      ...failures.map(({ storage, error }) => failureLines(storage, error)),
    ].join('\n'),
    ...(exitCode === 0 ? {} : { failure: words.join('; ') }),
  };
}

function failureLines(name: string, error: unknown): string {
  const { message, hint } = errorDocument(error);
  return `${name}: FAILED: ${message}${hint === null ? '' : `\nhint: ${hint}`}`;
}

function toDocument({ target, storage, step, to, error }: Rotated): object {
  const { id } = step.backup.manifest;
  return {
    target,
    storage,
    id,
    action: step.type === 'skip' ? 'skip' : 'rotate',
    reason: step.type === 'skip' ? step.reason : null,
    to: to ?? null,
    ...(error === undefined ? {} : { error: errorDocument(error) }),
  };
}

function describe({ target, step, to, error }: Rotated, dryRun: boolean): string {
  const { manifest } = step.backup;
  const name = `${target}/${manifest.id}`;
  if (error !== undefined) return failureLines(name, error);
  if (step.type === 'skip') return `${name}: left alone, ${step.reason}`;
  if (dryRun) return `${name}: would be encrypted anew (${formatBytes(storedBytes(manifest))})`;
  return `${name}: is ${target}/${to ?? ''} now`;
}
