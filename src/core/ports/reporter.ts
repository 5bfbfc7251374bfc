import type { AppEvent } from '../events.ts';

export interface Reporter {
  report(event: AppEvent): void;
}
