/** A folder of migrations. */
export interface MigrationFolder {
  readonly path: string;
  /** @throws DbopsError USAGE when there is no such folder */
  names(): Promise<readonly string[]>;
  /** @throws DbopsError USAGE when it cannot be read, or is longer than any migration */
  read(name: string): Promise<Buffer>;
  /**
   * Makes a file, and the folder where it is missing.
   * @throws DbopsError REFUSED when the file exists
   */
  create(name: string, text: string): Promise<void>;
}
