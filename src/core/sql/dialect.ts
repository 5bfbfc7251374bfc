/** What differs between the SQL of one program and another's, as far as finding the ends of statements goes. */
export interface Dialect {
  /** `E'…'` strings, in which a backslash escapes. */
  readonly escapeStrings: boolean;
  /** `$tag$ … $tag$`. */
  readonly dollarQuotes: boolean;
  readonly nestedComments: boolean;
  /** A carriage return alone ends a comment of one line. */
  readonly returnEndsLine: boolean;
  /** Names in `[…]` and in backticks. */
  readonly otherQuotes: boolean;
  /** A backslash outside quotes starts a command of psql, and `:NAME` is a variable of it. */
  readonly commands: boolean;
  /** Lines of data follow `COPY … FROM stdin`. */
  readonly copyData: boolean;
  /** First words, in lower case, of statements whose body stands between BEGIN and END. */
  readonly bodies: RegExp;
}

/** As psql reads a file: chapter 4.1 "Lexical Structure" and the page of psql in the manual of PostgreSQL 18. */
export const postgresDialect: Dialect = {
  escapeStrings: true,
  dollarQuotes: true,
  nestedComments: true,
  returnEndsLine: true,
  otherQuotes: false,
  commands: true,
  copyData: true,
  bodies: /^create (or replace )?(function|procedure)$/,
};

/** Source: "SQL As Understood By SQLite", the pages on comments, keywords and CREATE TRIGGER. */
export const sqliteDialect: Dialect = {
  escapeStrings: false,
  dollarQuotes: false,
  nestedComments: false,
  returnEndsLine: false,
  otherQuotes: true,
  commands: false,
  copyData: false,
  bodies: /^create (temp |temporary )?trigger$/,
};
