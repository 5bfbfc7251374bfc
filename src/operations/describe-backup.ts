import { DbopsError } from '../core/errors.ts';
import type { Facts } from '../core/facts.ts';
import type { BackupId } from '../core/ids.ts';
import type { Manifest, Part } from '../core/manifest.ts';
import type { Dump, Examination, Probe } from '../core/ports/engine.ts';
import { digestRecipients } from '../core/recipients-digest.ts';
import type { BackupRequest } from './backup-request.ts';
import type { Ports } from './ports.ts';
import { warn } from './warn.ts';

/** What a backup was made of. */
export interface Making {
  readonly request: BackupRequest;
  readonly id: BackupId;
  readonly startedAt: Date;
  readonly probe: Probe;
  readonly dump: Dump;
  readonly parts: readonly Part[];
  readonly found: Examination;
}

/**
 * The manifest of a backup, and the warnings that stand in it said aloud.
 * @throws DbopsError DAMAGED when the snapshot is not sound
 */
export function describeBackup(
  { request, id, startedAt, probe, dump, parts, found }: Making,
  ports: Ports,
): Manifest & { readonly facts: Facts } {
  if (found.facts === undefined || found.problems.length > 0) {
    throw new DbopsError('DAMAGED', `${probe.database} is damaged: ${found.problems.join('; ')}`, {
      hint: 'Nothing was stored. Restore the last good backup (`dbops list`), and check the disk.',
    });
  }
  const warnings = [...probe.warnings, ...found.warnings];
  const recipients = request.encryption?.recipients;
  for (const message of warnings) warn(ports, request.target, message);
  return {
    formatVersion: 1,
    id,
    target: request.target,
    engine: request.engine.name,
    class: request.class,
    tags: { ...request.tags },
    pinned: request.pinned,
    startedAt: startedAt.toISOString(),
    finishedAt: ports.clock.now().toISOString(),
    source: {
      database: probe.database,
      host: ports.host,
      serverVersion: probe.serverVersion,
      bytes: probe.bytes,
      settings: { ...probe.settings },
    },
    tools: { dbops: ports.version, ...dump.tools },
    options: { facts: request.facts, readBack: request.readBack, ...request.options },
    parts: [...parts],
    facts: found.facts,
    warnings,
    ...(recipients === undefined ? {} : { recipientsDigest: digestRecipients(recipients, ports.random(8)) }),
    ...(request.git === undefined ? {} : { git: request.git }),
  };
}
