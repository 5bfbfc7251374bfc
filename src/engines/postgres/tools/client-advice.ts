import type { ProgramVersion } from './program-version.ts';

// First minor versions with the fixes, by major version (PostgreSQL security information, August 2025 and May 2026).
const dumpFixes: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 };
const hostileServerFixes: Readonly<Record<number, number>> = { 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 };

const oldestMaintained = 14;

/** A warning about the client programs when they lack fixes against hostile servers and dumps; undefined when all is well. */
export function clientAdvice(version: ProgramVersion): string | undefined {
  const { text, major, minor, unreleased } = version;
  if (unreleased) return `the client programs are a test version (${text}): use a released one for real backups`;
  const missing = [
    ...(isBelow(dumpFixes, major, minor) ? ['CVE-2025-8714', 'CVE-2025-8715'] : []),
    ...(isBelow(hostileServerFixes, major, minor) ? ['CVE-2026-6475', 'CVE-2026-6477'] : []),
  ];
  if (major < oldestMaintained) {
    return `the client programs (${text}) get no fixes any more; a hostile server or dump may attack this machine`;
  }
  if (missing.length === 0) return undefined;
  const fixed = Math.max(dumpFixes[major] ?? 0, hostileServerFixes[major] ?? 0);
  return (
    `the client programs (${text}) lack the fixes of ${missing.join(', ')}, with which a hostile server or dump may ` +
    `attack this machine: update them to ${major}.${fixed} or newer`
  );
}

/** Whether psql knows `\\restrict`, which came with these fixes and in every version since. */
export function canRestrict({ major, minor, unreleased }: ProgramVersion): boolean {
  const fixed = dumpFixes[major];
  return !unreleased && (fixed === undefined ? major > 17 : minor >= fixed);
}

function isBelow(fixes: Readonly<Record<number, number>>, major: number, minor: number): boolean {
  const fixed = fixes[major];
  return fixed !== undefined && minor < fixed;
}
