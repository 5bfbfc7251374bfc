import { compareFacts, compareSchemas, type Facts } from '../core/facts.ts';
import type { FactLevel } from '../core/levels.ts';
import type { CheckResult, Examination } from '../core/ports/engine.ts';

/** What looking at a backup found; without problems and failed checks it is sound. */
export interface Findings {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  readonly checks: readonly CheckResult[];
}

/** Holds what an examination found against the facts of the snapshot. */
export function compare(recorded: Facts | undefined, found: Examination): Findings {
  return compareBy(compareFacts, recorded, found);
}

/** The same where only definitions were restored. */
export function compareSchema(recorded: Facts | undefined, found: Examination): Findings {
  return compareBy(compareSchemas, recorded, found);
}

function compareBy(differences: typeof compareFacts, recorded: Facts | undefined, found: Examination): Findings {
  const { facts, problems, warnings, checks } = found;
  if (recorded === undefined || facts === undefined) return { problems, warnings, checks };
  const comparable = found.comparable?.(recorded) ?? { facts: recorded, warnings: [] };
  return {
    problems: [...problems, ...differences(comparable.facts, facts)],
    warnings: [...warnings, ...comparable.warnings],
    checks,
  };
}

/** Content is compared when it was recorded. */
export function levelOf(recorded: Facts | undefined): FactLevel {
  return recorded?.tables.some(({ content }) => content !== undefined) === true ? 'content' : 'rows';
}

export function describeCheck({ name, rows, error }: CheckResult): string {
  return error === undefined
    ? `check ${JSON.stringify(name)} returned ${rows} rows`
    : `check ${JSON.stringify(name)} failed: ${error}`;
}
