import { compareFacts, type Facts } from '../core/facts.ts';
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
  const differences =
    recorded === undefined || found.facts === undefined
      ? []
      : compareFacts(found.comparable?.(recorded) ?? recorded, found.facts);
  return { problems: [...found.problems, ...differences], warnings: found.warnings, checks: found.checks };
}

/** The same where only definitions were restored. */
export function compareSchema(recorded: Facts | undefined, found: Examination): Findings {
  const { facts, problems, warnings, checks } = found;
  if (recorded === undefined || facts === undefined || recorded.schema === facts.schema) {
    return { problems, warnings, checks };
  }
  return { problems: [...problems, 'the schema differs from the one that was backed up'], warnings, checks };
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
