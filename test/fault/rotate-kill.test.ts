import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createCodecs } from '../../src/codecs/codecs.ts';
import { backup } from '../../src/operations/backup.ts';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { ageKey, identityOf, keyringFor, keyringOf, type AgeKey } from '../support/age-keys.ts';
import { backupRequest, catalogOf, problemsIn } from '../support/operations.ts';
import { untilQuiet } from '../support/processes.ts';
import { runDbops } from '../support/run-dbops.ts';
import { makeDatabase } from '../support/small-database.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { createTestPorts, frozenClock } from '../support/test-ports.ts';
import { litterIn } from '../support/tree.ts';

const killable = fileURLToPath(new URL('../support/run-killable.ts', import.meta.url));

test('A1: a kill of `key rotate` before any storage call leaves the old backup or both, and the next one goes on', async () => {
  const [old, next] = await Promise.all([ageKey(), ageKey()]);
  const template = await encryptedStorage(old);
  const args = ['key', 'rotate', '--storage', 'storage', '--identity', old.file, '--recipient', next.recipient];
  const seen = new Set<number>();
  let nth = 1;
  while (await killAt(nth)) nth += 1;
  expect(nth, 'the number of calls').toBeGreaterThan(10);
  // One backup before and after, two in between.
  expect(seen).toEqual(new Set([1, 2]));

  async function killAt(call: number): Promise<boolean> {
    const folder = mkdtempSync(join(realpathSync(tmpdir()), 'dbops-rotate-'));
    const storage = join(folder, 'storage');
    const keys = keyringOf({ identities: [identityOf(old), identityOf(next)] });
    const { ports } = createTestPorts({ temporaryFolder: folder });
    const reading = { ...ports, codecs: createCodecs('/usr/bin:/bin', keys) };
    try {
      cpSync(template, storage, { recursive: true, verbatimSymlinks: true });
      const child = spawn(process.execPath, [killable, String(call), ...args], { cwd: folder, stdio: 'ignore' });
      const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
      await untilQuiet(folder);
      expect(await problemsIn(storage, reading), `killed at call ${call}`).toEqual([]);
      seen.add((await catalogOf(storage)).backups.length);
      const again = await runDbops(args, { cwd: folder });
      expect(again.exitCode, `after call ${call}: ${again.stderr}`).toBe(0);
      const { backups } = await catalogOf(storage);
      expect(backups.map(({ manifest }) => manifest.startedAt)).toEqual(['2026-01-01T02:00:00.000Z']);
      const own = { ...ports, codecs: createCodecs('/usr/bin:/bin', keyringFor(next)) };
      expect(await problemsIn(storage, own), `after call ${call} and one more run`).toEqual([]);
      expect(litterIn(storage), `after call ${call} and one more run`).toEqual([]);
      return signal !== null;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});

async function encryptedStorage(key: AgeKey): Promise<string> {
  const folder = await temporaryFolder();
  const source = makeDatabase(join(folder, 'app.db'), { mark: 'backed-up', rows: 50 });
  const { ports } = createTestPorts({ temporaryFolder: folder, clock: frozenClock('2026-01-01T02:00:00Z') });
  const cipher = createCodecs(undefined, keyringFor(key)).byId('age');
  if (cipher === undefined) throw new Error('no age');
  await using storage = createLocalStorage(join(folder, 'storage'));
  const encryption = { cipher, recipients: [key.recipient], facts: 'sealed', opens: false } as const;
  await backup({ ...backupRequest(source, storage, ports), encryption }, ports);
  return join(folder, 'storage');
}
