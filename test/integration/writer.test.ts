import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { buildShop, shopChecks } from '../../fixtures/shop/shop.ts';
import { backup } from '../../src/operations/backup.ts';
import { findBackup, openStored } from '../../src/operations/restorable.ts';
import { verify } from '../../src/operations/verify.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { backupRequest, patient } from '../support/operations.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts } from '../support/test-ports.ts';
import { litterIn, treeOf } from '../support/tree.ts';

// The soak is DBOPS_WRITER_BACKUPS=100; a few show the same every day.
const backups = Number(process.env['DBOPS_WRITER_BACKUPS'] ?? 5);
const writer = fileURLToPath(new URL('../support/write-orders.ts', import.meta.url));

test.each(['wal', 'delete'])(
  'I1, I2: every backup under a writer that commits without pause balances (%s), and the source stays as it was',
  async (journal) => {
    const folder = await temporaryFolder();
    const source = join(folder, 'shop.db');
    buildShop(source, { megabytes: 0.5, journal });
    const before = describe(source);
    const child = spawn(process.execPath, [writer, source], { stdio: ['pipe', 'ignore', 'inherit'] });
    const orders: number[] = [];
    try {
      await using storage = createLocalStorage(join(folder, 'storage'));
      const { ports } = createTestPorts({ temporaryFolder: folder, path: '/usr/bin:/bin' });
      for (let count = 0; count < backups; count++) {
        const { manifest, facts } = await backup(backupRequest(source, storage, ports), ports);
        orders.push(facts.tables.find(({ name }) => name === 'orders')?.rows ?? 0);
        const found = await findBackup(storage, { name: manifest.id }, ports, { signal: patient });
        const subject = await openStored({ storage, backup: found }, ports);
        const request = {
          subject,
          level: 'restore',
          checks: shopChecks,
          scratchParent: folder,
          signal: patient,
        } as const;
        const { problems, checks } = await verify(request, ports);
        expect(problems, `backup ${count + 1}`).toEqual([]);
        expect(checks.map(({ ok }) => ok)).toEqual(shopChecks.map(() => true));
      }
    } finally {
      child.stdin.end();
      await once(child, 'exit');
    }
    expect(child.exitCode, 'the writer was never refused').toBe(0);
    expect(new Set(orders).size, `orders in the backups: ${orders.join()}`).toBeGreaterThan(backups / 2);
    expect(describe(source)).toEqual(before);
    expect(treeOf(folder).filter((path) => path.startsWith('shop.db'))).toEqual(['shop.db']);
    expect(litterIn(folder)).toEqual([]);
  },
);

/** What a backup must never change: the journal mode and the schema. */
function describe(file: string): unknown {
  const db = new Database(file, { fileMustExist: true });
  try {
    return [db.pragma('journal_mode', { simple: true }), db.prepare('SELECT type, name, sql FROM sqlite_schema').all()];
  } finally {
    db.close();
  }
}
