import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { DatabaseAddress } from '../../src/core/ports/engine.ts';
import { sqliteEngine } from '../../src/engines/sqlite/sqlite-engine.ts';
import { contents } from '../support/engine-scene.ts';
import { engineSuite } from './engine.suite.ts';

function use<T>({ location }: DatabaseAddress, work: (db: Database.Database) => T): T {
  const db = new Database(location);
  try {
    return work(db);
  } finally {
    db.close();
  }
}

for (const journal of ['delete', 'wal']) {
  engineSuite(`sqlite, journal_mode ${journal}`, {
    engine: sqliteEngine,
    place: (folder) => ({ location: join(folder, "it's an app.db"), lockTimeoutMs: 1_000 }),
    create: async (at) =>
      use(at, (db) => {
        db.pragma(`journal_mode = ${journal}`);
        db.exec(
          'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, photo BLOB); CREATE INDEX by_name ON users (name)',
        );
        const insert = db.prepare('INSERT INTO users (name, photo) VALUES (?, zeroblob(20000))');
        for (const name of ['ann', 'bob', 'cat']) insert.run(name);
      }),
    addUser: async (at) => void use(at, (db) => db.exec("INSERT INTO users (name) VALUES ('new')")),
    countUsers: async (at) => use(at, (db) => Number(db.prepare('SELECT count(*) FROM users').pluck().get())),
    damage: async ({ location }) => {
      const { size } = await stat(location);
      await using file = await open(location, 'r+');
      // All pages but the first, which holds the schema.
      await file.write(Buffer.alloc(size - 4096, 0xa5), 0, size - 4096, 4096);
    },
    allUsers: 'SELECT * FROM users',
    users: 'users',
    servesDatabases: false,
    piecewise: true,
    standing: (_at, folder) => contents(folder),
    kept: (at, location) => ({ ...at, location }),
  });
}
