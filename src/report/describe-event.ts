import type { Activity, AppEvent } from '../core/events.ts';
import { storedBytes } from '../core/manifest.ts';
import { formatBytes, formatDuration, plain } from './format.ts';

/** One line for people, or undefined for events that are only progress. */
export function describeEvent(event: AppEvent): string | undefined {
  switch (event.type) {
    case 'backup.started':
      return `${event.target}: backing up ${plain(event.source)} to ${plain(event.storage)} as ${event.id}`;
    case 'backup.finished': {
      const { manifest, durationMs } = event;
      const sizes = `${formatBytes(manifest.source.bytes)}, stored as ${formatBytes(storedBytes(manifest))}`;
      return `${manifest.target}: done in ${formatDuration(durationMs)}, ${sizes}`;
    }
    case 'activity':
      return `${plain(event.target)}: ${describeActivity(event.activity)}`;
    case 'progress':
      return undefined;
    case 'verify.started':
      return `${plain(event.target)}: verifying ${plain(event.id)} (${event.level})`;
    case 'verify.finished':
      return `${plain(event.target)}: ${event.ok ? 'sound' : 'NOT SOUND'}, ${event.level} check took ${formatDuration(event.durationMs)}`;
    case 'restore.started':
      return `restoring ${plain(event.from)} into ${plain(event.into)}`;
    case 'restore.finished':
      return `restored ${plain(event.into)} in ${formatDuration(event.durationMs)}`;
    case 'copy.started':
      return `${plain(event.target)}: copying ${plain(event.id)} (${formatBytes(event.bytes)}) from ${plain(event.from)} to ${plain(event.to)}`;
    case 'copy.finished':
      return `${plain(event.target)}: ${plain(event.id)} copied in ${formatDuration(event.durationMs)}`;
    case 'prune.removed':
      return `${event.target}: removed ${event.name} (${formatBytes(event.bytes)})`;
    case 'migration.started':
      return `${plain(event.version)}_${plain(event.name)}: ${event.kind === 'up' ? 'running' : 'rolling back'}`;
    case 'migration.finished': {
      const end = event.outcome === 'done' ? `done in ${formatDuration(event.durationMs)}` : 'done by another run';
      return `${plain(event.version)}_${plain(event.name)}: ${end}`;
    }
    case 'migration.waiting':
      return `waiting${event.holders.length === 0 ? '' : ` for ${plain(event.holders.join('; '))}`}`;
    case 'warning':
      return `warning: ${plain(event.subject)}: ${plain(event.message)}`;
  }
}

export function describeActivity(activity: Activity): string {
  switch (activity) {
    case 'snapshot':
      return 'taking a snapshot';
    case 'store':
      return 'compressing and storing';
    case 'examine':
      return 'checking the copy';
    case 'read back':
      return 'reading back what was stored';
    case 'restore':
      return 'restoring into a scratch place';
    case 'promote':
      return 'swapping it in';
    case 'copy':
      return 'copying';
    case 'wait for lock':
      return 'waiting for another run on this target';
  }
}
