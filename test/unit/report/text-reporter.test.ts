import { describe, expect, test } from 'vitest';
import type { AppEvent } from '../../../src/core/events.ts';
import { createTextReporter } from '../../../src/report/text-reporter.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { aManifest } from '../../support/manifests.ts';

const erase = '\r\u001b[K';

interface Options {
  readonly terminal?: boolean;
  readonly columns?: number;
  readonly quiet?: boolean;
  readonly colours?: boolean;
}

function recording({ terminal = false, columns = 80, quiet = false, colours = false }: Options = {}) {
  const written: string[] = [];
  const clock = createFakeClock();
  const output = { write: (text: string) => void written.push(text), terminal, columns, colours };
  return { written, clock, reporter: createTextReporter(output, clock, quiet) };
}

const progress = (bytes: number, totalBytes?: number): AppEvent => ({
  type: 'progress',
  activity: 'store',
  bytes,
  totalBytes,
});
const warning: AppEvent = { type: 'warning', subject: 'app', message: 'look\nout\u001b[2J' };
const finished: AppEvent = { type: 'backup.finished', manifest: aManifest(), durationMs: 1_000, storage: './backups' };

describe('off a terminal', () => {
  test('every event but progress is one line', () => {
    const { reporter, written } = recording();
    for (const event of [progress(1), finished, progress(2), warning]) reporter.report(event);
    reporter[Symbol.dispose]();
    expect(written).toEqual([
      'app: done in 1.0 s, 8.2 kB, stored as 1.2 kB\n',
      'warning: app: look\\u000aout\\u001b[2J\n',
    ]);
  });

  test('quiet leaves only warnings', () => {
    const { reporter, written } = recording({ quiet: true });
    for (const event of [finished, warning]) reporter.report(event);
    expect(written).toEqual(['warning: app: look\\u000aout\\u001b[2J\n']);
  });
});

describe('on a terminal', () => {
  test('progress is drawn over itself, with percent, bytes and rate', async () => {
    const { reporter, written, clock } = recording({ terminal: true });
    reporter.report(progress(0, 2_000_000));
    await clock.advance(500);
    reporter.report(progress(1_000_000, 2_000_000));
    expect(written).toEqual([
      `${erase}  compressing and storing: 0 % 0 B`,
      `${erase}  compressing and storing: 50 % 1.0 MB, 2.0 MB/s`,
    ]);
  });

  test('it is not drawn more often than every 100 ms', async () => {
    const { reporter, written, clock } = recording({ terminal: true });
    reporter.report(progress(1));
    await clock.advance(99);
    reporter.report(progress(2));
    expect(written).toHaveLength(1);
    await clock.advance(1);
    reporter.report(progress(3));
    expect(written).toHaveLength(2);
  });

  test('a line for people erases the moving one first, and so does the end', () => {
    const { reporter, written } = recording({ terminal: true });
    reporter.report(progress(1));
    reporter.report(finished);
    reporter[Symbol.dispose]();
    expect(written.slice(1)).toEqual([erase, 'app: done in 1.0 s, 8.2 kB, stored as 1.2 kB\n']);
  });

  test('it never breaks into a second line, however narrow the terminal', () => {
    for (const columns of [0, 1, 2, 20, 80]) {
      const { reporter, written } = recording({ terminal: true, columns });
      reporter.report(progress(123_456_789, 999_999_999));
      expect((written[0] ?? '').replace(erase, '').length).toBeLessThan(Math.max(columns, 1));
    }
  });

  test('quiet draws nothing', () => {
    const { reporter, written } = recording({ terminal: true, quiet: true });
    reporter.report(progress(1));
    reporter[Symbol.dispose]();
    expect(written).toEqual([]);
  });

  test('the rate starts anew with every activity', async () => {
    const { reporter, written, clock } = recording({ terminal: true });
    reporter.report(progress(5_000_000));
    await clock.advance(10_000);
    reporter.report({ type: 'progress', activity: 'read back', bytes: 10, totalBytes: undefined });
    await clock.advance(1_000);
    reporter.report({ type: 'progress', activity: 'read back', bytes: 1_000, totalBytes: undefined });
    expect(written.at(-1)).toBe(`${erase}  reading back what was stored: 1.0 kB, 1.0 kB/s`);
  });

  test('only alarming lines are coloured', () => {
    const { reporter, written } = recording({ terminal: true, colours: true });
    for (const event of [finished, warning]) reporter.report(event);
    expect(written.map((line) => line.includes('\u001b['))).toEqual([false, true]);
  });
});
