import type { Ports } from './ports.ts';

/** Tells people of what does not make the work fail. */
export function warn(ports: Ports, subject: string, message: string): void {
  ports.reporter.report({ type: 'warning', subject, message });
}
