import type { AppEvent } from '../core/events.ts';
import type { Reporter } from '../core/ports/reporter.ts';

export interface EventLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Writes every event but progress to the log, with its fields. */
export function createLogReporter(log: EventLog): Reporter {
  return {
    report: (event) => {
      if (event.type === 'progress') return;
      if (event.type === 'warning') log.warn({ subject: event.subject }, event.message);
      else log.info(fieldsOf(event), event.type);
    },
  };
}

function fieldsOf(event: AppEvent): object {
  if (event.type !== 'backup.finished') return { ...event, type: undefined };
  const { manifest, durationMs, storage } = event;
  return { target: manifest.target, id: manifest.id, bytes: manifest.source.bytes, durationMs, storage };
}
