import type { VerifyLevel } from '../core/levels.ts';
import type { Verification } from '../core/records.ts';

/** The verdict of a verification, for people. */
export function proofOf(verification: Verification, isForeign = false): string {
  const what: Record<VerifyLevel, string> = {
    checksum: 'every stored byte matches its checksum',
    structure: 'every stored byte and the structure are sound',
    restore: isForeign
      ? 'restored into a scratch place without an error'
      : 'restored into a scratch place and equal to what was recorded of it',
  };
  const verdict = verification.ok
    ? [`  proven: ${what[verification.level]}`]
    : ['  NOT SOUND:', ...verification.problems.map((problem) => `    ${problem}`)];
  const notRun = verification.checks.filter(({ error }) => error !== undefined);
  return [
    ...verdict,
    ...notRun.map(({ name, error }) => `  check ${JSON.stringify(name)} COULD NOT RUN: ${error}`),
  ].join('\n');
}
