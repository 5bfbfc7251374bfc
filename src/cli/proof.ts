import type { VerifyLevel } from '../core/levels.ts';
import type { Verification } from '../core/records.ts';

/** The verdict of a verification, for people. */
export function proofOf(verification: Verification): string {
  const what: Record<VerifyLevel, string> = {
    checksum: 'every stored byte matches its checksum',
    structure: 'every stored byte and the structure are sound',
    restore: 'restored into a scratch place and equal to what was backed up',
  };
  if (verification.ok) return `  proven: ${what[verification.level]}`;
  return ['  NOT SOUND:', ...verification.problems.map((problem) => `    ${problem}`)].join('\n');
}
