/** What a dump is restricted to; the patterns are pg_dump's, and so is what they mean together. */
export interface Selection {
  readonly tables?: readonly string[];
  readonly excludeTables?: readonly string[];
  readonly excludeTableData?: readonly string[];
  readonly schemas?: readonly string[];
  readonly excludeSchemas?: readonly string[];
  readonly schemaOnly?: boolean;
  readonly dataOnly?: boolean;
  /** Large objects are left out although everything else is dumped. */
  readonly noBlobs?: boolean;
  /** Said of a copy: something that stood beside it was left out, by whatever pattern. */
  readonly partial?: boolean;
}
