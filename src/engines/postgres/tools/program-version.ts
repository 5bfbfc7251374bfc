/** What `<program> --version` says. */
export interface ProgramVersion {
  /** As printed: `15.18`, `17beta1`. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  /** A development or test version: `18devel`, `17rc1`. */
  readonly unreleased: boolean;
}

// `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`; products built on PostgreSQL put their own name in the brackets.
const pattern =
  /^\S{1,64} \([^()\n]{1,64}\) ((\d{1,4})(?:\.(\d{1,4}))?(?:\.\d{1,4})?(devel|(?:alpha|beta|rc)\d{1,3})?)(?![\w.])/;

/** Reads the first line of `--version`; undefined when it is no such line. */
export function parseProgramVersion(output: string): ProgramVersion | undefined {
  const [, text, major, minor, unreleased] = pattern.exec(output) ?? [];
  if (text === undefined) return undefined;
  return { text, major: Number(major), minor: Number(minor ?? 0), unreleased: unreleased !== undefined };
}

/** Orders versions, oldest first; test versions come before the release. */
export function compareVersions(a: ProgramVersion, b: ProgramVersion): number {
  return a.major - b.major || Number(b.unreleased) - Number(a.unreleased) || a.minor - b.minor;
}
