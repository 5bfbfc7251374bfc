import type { AppEvent } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Reporter } from '../core/ports/reporter.ts';
import { describeActivity, describeEvent } from './describe-event.ts';
import { formatBytes } from './format.ts';
import { createPaint } from './paint.ts';

export interface TextOutput {
  readonly write: (text: string) => void;
  /** A status line may be drawn over and over. */
  readonly terminal: boolean;
  readonly columns: number;
  readonly colours: boolean;
}

const redrawEveryMs = 100;
const eraseLine = '\r\u001b[K';

/** Lines for people on stderr. On a terminal there is one more line that moves: what is happening, bytes and rate. */
export function createTextReporter(output: TextOutput, clock: Clock, quiet: boolean): Reporter & Disposable {
  const status = createStatusLine(output, clock);
  const paint = createPaint(output.colours);
  return {
    report: (event) => {
      if (event.type === 'progress') return output.terminal && !quiet ? status.draw(event) : undefined;
      const line = describeEvent(event);
      if (line === undefined || (quiet && event.type !== 'warning')) return undefined;
      status.erase();
      output.write(`${isAlarming(event) ? paint.warn(line) : line}\n`);
      return undefined;
    },
    [Symbol.dispose]: () => status.erase(),
  };
}

function isAlarming(event: AppEvent): boolean {
  return event.type === 'warning' || (event.type === 'verify.finished' && !event.ok);
}

type Progress = AppEvent & { readonly type: 'progress' };

function createStatusLine(output: TextOutput, clock: Clock): { draw(event: Progress): void; erase(): void } {
  let drawnAt = 0;
  let visible = false;
  let began: { activity: string; at: number } | undefined;
  return {
    draw: (event) => {
      const now = clock.now().getTime();
      if (began?.activity !== event.activity) began = { activity: event.activity, at: now };
      if (now - drawnAt < redrawEveryMs) return;
      drawnAt = now;
      visible = true;
      output.write(`${eraseLine}${statusText(event, now - began.at).slice(0, Math.max(0, output.columns - 1))}`);
    },
    erase: () => {
      if (visible) output.write(eraseLine);
      visible = false;
    },
  };
}

function statusText({ activity, bytes, totalBytes }: Progress, elapsedMs: number): string {
  const percent = totalBytes === undefined || totalBytes === 0 ? '' : ` ${Math.trunc((100 * bytes) / totalBytes)} %`;
  const rate = elapsedMs > 0 ? `, ${formatBytes(Math.round((bytes / elapsedMs) * 1000))}/s` : '';
  return `  ${describeActivity(activity)}:${percent} ${formatBytes(bytes)}${rate}`;
}
