import Database from 'better-sqlite3';

export interface SmallDatabase {
  /** Written into every row, so that a test can tell whose content it sees. */
  readonly mark: string;
  readonly rows?: number;
  readonly journal?: 'wal' | 'delete';
  readonly pageSize?: number;
  /** Bytes of incompressible filling a row. */
  readonly filling?: number;
}

/** Makes a database of one table with `rows` rows that all carry the mark. */
export function makeDatabase(file: string, { mark, rows = 20, journal, pageSize, filling = 0 }: SmallDatabase): string {
  const db = new Database(file);
  try {
    if (pageSize !== undefined) db.pragma(`page_size = ${pageSize}`);
    db.pragma(`journal_mode = ${journal ?? 'delete'}`);
    db.pragma('synchronous = OFF');
    db.exec('CREATE TABLE notes (id INTEGER PRIMARY KEY, mark TEXT NOT NULL, filling BLOB)');
    const insert = db.prepare('INSERT INTO notes(mark, filling) VALUES (?, randomblob(?))');
    db.transaction(() => {
      for (let row = 0; row < rows; row++) insert.run(mark, filling);
    })();
  } finally {
    db.close();
  }
  return file;
}

/**
 * The mark and the number of rows of a sound database, such as `old:20`.
 * @throws when it is not sound, or when its rows are a mixture.
 */
export function readDatabase(file: string): string {
  const db = new Database(file, { readonly: true, fileMustExist: true });
  try {
    const [sound] = db.prepare<[], { integrity_check: string }>('PRAGMA integrity_check').all();
    if (sound?.integrity_check !== 'ok') throw new Error(`${file}: ${sound?.integrity_check ?? 'no answer'}`);
    const marks = db
      .prepare<[], { mark: string; n: number }>('SELECT mark, count(*) AS n FROM notes GROUP BY mark')
      .all();
    return marks.map(({ mark, n }) => `${mark}:${n}`).join('+');
  } finally {
    db.close();
  }
}
