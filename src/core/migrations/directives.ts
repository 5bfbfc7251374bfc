/** What a file says about how it is to be run, in comments before its first statement. */
export interface Directives {
  /** False by `no-transaction`: statement by statement, each for itself. */
  readonly transaction: boolean;
  /** By `keep-foreign-keys`: SQLite enforces them while the file runs. */
  readonly foreignKeys: boolean;
  /** By `may-lose-rows users orders`: tables whose rows may become fewer without a DELETE that names them. */
  readonly mayLoseRows: readonly string[];
}

/** Whether a comment speaks to dbops, if only with a mistake. */
export function isDirective(comment: string): boolean {
  return /^--\s*dbops\b/i.test(comment);
}

/** The directives with this one; the reason when there is none like it, because a misspelt one would do nothing. */
export function readDirective(comment: string, before: Directives): Directives | string {
  const [, word = '', rest = ''] = /^-- ?dbops: ?([a-z-]+)(?: +(.*))?$/.exec(comment) ?? [];
  const words = rest.split(/[ ,]+/).filter((name) => name !== '');
  if (word === 'no-transaction' && words.length === 0) return { ...before, transaction: false };
  if (word === 'keep-foreign-keys' && words.length === 0) return { ...before, foreignKeys: true };
  if (word === 'may-lose-rows' && words.length > 0)
    return { ...before, mayLoseRows: [...before.mayLoseRows, ...words] };
  return `${JSON.stringify(comment.slice(0, 80))} is no directive; there are: ${known.join(', ')}`;
}

const known = ['no-transaction', 'keep-foreign-keys', 'may-lose-rows <table>…'].map((word) => `-- dbops: ${word}`);
