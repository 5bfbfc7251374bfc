import { styleText } from 'node:util';

/** Colours for the words that must not be overlooked; plain text where nobody can see them. */
export interface Paint {
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly hint: (text: string) => string;
}

export function createPaint(colours: boolean): Paint {
  const style =
    (format: 'red' | 'yellow' | 'cyan') =>
    (text: string): string =>
      colours ? styleText(format, text, { validateStream: false }) : text;
  return { bad: style('red'), warn: style('yellow'), hint: style('cyan') };
}

/** Colours need a terminal, and nobody who asked for none (https://no-color.org). */
export function wantsColours(terminal: boolean, noColor: string | undefined, flag: boolean): boolean {
  return terminal && flag && (noColor === undefined || noColor === '');
}
