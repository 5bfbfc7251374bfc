/** A private folder for temporary files. Disposing removes it and all that is in it. */
export interface Scratch extends AsyncDisposable {
  readonly folder: string;
}

/**
 * Opens a scratch folder below `parent`, after removing those that dead processes left there.
 * @throws DbopsError STORAGE_FAILED, NO_SPACE
 */
export type OpenScratch = (parent: string) => Promise<Scratch>;
