import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { lockWaitOption, parseCount, selectorOptions } from '../../../src/cli/command.ts';

function optionsOf(...argv: readonly string[]): Record<string, unknown> {
  const command = lockWaitOption(selectorOptions(new Command('x')))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  return command.parse(argv, { from: 'user' }).opts();
}

const timeOf = (text: string): string => (optionsOf('--at', text)['at'] as Date).toISOString();

describe('E3, E4, E5: a moment', () => {
  test.each([
    ['2026-11-20', '2026-11-20T23:59:59.999Z'],
    ['2026-11-20T02:30', '2026-11-20T02:30:00.000Z'],
    ['2026-11-20 02:30:15', '2026-11-20T02:30:15.000Z'],
    ['2026-11-20T02:30:15.25', '2026-11-20T02:30:15.250Z'],
    ['2026-11-20T02:30Z', '2026-11-20T02:30:00.000Z'],
    ['2026-11-20T02:30+01:00', '2026-11-20T01:30:00.000Z'],
    ['2026-11-20T02:30:00-0530', '2026-11-20T08:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2016-12-31T23:59:59.000Z'],
    ['2016-12-31 23:59:60', '2016-12-31T23:59:59.000Z'],
    ['2024-02-29', '2024-02-29T23:59:59.999Z'],
  ])('%s is %s, whatever the zone of the machine', (text, expected) => {
    expect(timeOf(text)).toBe(expected);
  });

  test.each([
    '',
    'now',
    '2026',
    '2026-11',
    '20.11.2026',
    '2026-11-20T25:00',
    '2026-11-20T12:60',
    '2026-13-01',
    '2026-02-30',
    '2026-04-31T10:00',
    '2023-02-29',
    '2026-11-20T02:30 CET',
    '2026-11-20T02:30+0100:00',
    '1700000000',
  ])('%j is none', (text) => {
    expect(() => optionsOf('--at', text)).toThrow(/Write a time such as/);
  });
});

test('a duration is read in milliseconds', () => {
  expect(optionsOf('--lock-wait', '10m')).toEqual({ lockWait: 600_000 });
});

test.each(['0', '-1', '1.5', '', ' 1', '1e3', '1000000', '0x10', '٣'])('%j is no count', (text) => {
  expect(() => parseCount(text)).toThrow(/whole number/);
});

test('tags may be given one by one or together', () => {
  expect(optionsOf('--tag', 'a=1', 'b=2', '--tag', 'c=3')).toEqual({ tag: ['a=1', 'b=2', 'c=3'] });
});
