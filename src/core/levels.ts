/** How far the facts of a snapshot go: row counts, or also a digest of every table's content. */
export const factLevels = ['rows', 'content'] as const;
export type FactLevel = (typeof factLevels)[number];

/** How deep a verification goes, from the cheapest to the most telling. */
export const verifyLevels = ['checksum', 'structure', 'restore'] as const;
export type VerifyLevel = (typeof verifyLevels)[number];

/** Levels of the log, from the fewest lines to the most. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];
