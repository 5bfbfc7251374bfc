import { expect, test } from 'vitest';
import { clientAdvice } from '../../../../../src/engines/postgres/tools/client-advice.ts';

const version = (text: string): Parameters<typeof clientAdvice>[0] => {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  return { text, major, minor, unreleased: false };
};

test.each(['14.23', '15.18', '16.14', '17.10', '18.4', '19.0'])('%s has all fixes', (text) => {
  expect(clientAdvice(version(text))).toBeUndefined();
});

test.each([
  ['14.22', '14.23'],
  ['15.17', '15.18'],
  ['16.13', '16.14'],
  ['17.9', '17.10'],
  ['18.3', '18.4'],
  ['18.0', '18.4'],
])('%s lacks the fixes of 2026 only, which %s has', (text, fixed) => {
  const advice = clientAdvice(version(text));
  expect(advice).toContain('CVE-2026-6475, CVE-2026-6477');
  expect(advice).toContain(`update them to ${fixed} or newer`);
  expect(advice).not.toContain('CVE-2025');
});

test.each(['14.18', '15.13', '16.9', '17.5'])('%s lacks the fixes of 2025 too', (text) => {
  expect(clientAdvice(version(text))).toContain('CVE-2025-8714, CVE-2025-8715, CVE-2026-6475');
});

test('a version without support and a test version are named as such', () => {
  expect(clientAdvice(version('13.23'))).toContain('no fixes any more');
  expect(clientAdvice({ text: '19beta1', major: 19, minor: 0, unreleased: true })).toContain('test version');
});
