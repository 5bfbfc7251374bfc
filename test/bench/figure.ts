export interface Figure {
  readonly what: string;
  readonly found: number;
  readonly bound: number;
  readonly unit: string;
  /** Whether the figure has to be at least the bound, instead of at most. */
  readonly atLeast?: boolean;
}

/** Where lines run, and on which PATH. */
export interface Place {
  readonly cwd: string;
  readonly path: string;
}

export function times(what: string, found: number, bound: number, atLeast = false): Figure {
  return { what, found, bound, unit: '×', atLeast };
}

export function holds({ found, bound, atLeast }: Figure): boolean {
  return atLeast === true ? found >= bound : found <= bound;
}

export function rowOf(figure: Figure): string[] {
  const { what, found, bound, unit, atLeast } = figure;
  const limit = `${atLeast === true ? 'at least' : 'at most'} ${bound} ${unit}`;
  return [what, `${found.toFixed(found < 100 ? 2 : 0)} ${unit}`, limit, holds(figure) ? 'holds' : 'MISSED'];
}
