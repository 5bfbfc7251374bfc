import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildShop } from '../../fixtures/shop/shop.ts';
import { fillCatalog } from './catalog-of.ts';
import { times, type Figure, type Place } from './figure.ts';
import { alternate, measure } from './measure.ts';

const megabytes = Number(process.env['BENCH_MEGABYTES'] ?? 500);

export async function startUp(place: Place): Promise<Figure[]> {
  const found = await alternate({ dbops: 'dbops --version', node: `'${process.execPath}' -e 0` }, 9, place);
  return [times('dbops --version / node -e 0', found.dbops.seconds / found.node.seconds, 2.5)];
}

export async function catalogues(place: Place): Promise<Figure[]> {
  const folder = place.cwd;
  buildShop(join(folder, 'app.db'), { megabytes: 1, journal: 'wal' });
  await measure('dbops backup app.db --quiet', place);
  const real = join(folder, 'backups/app/latest');
  for (const count of [1_000, 10_000]) fillCatalog(join(folder, String(count)), count, real);
  const found = await alternate(
    {
      version: 'dbops --version',
      list1: 'dbops list --storage ./1000',
      list10: 'dbops list --storage ./10000',
      prune1: 'dbops prune --dry-run --storage ./1000',
      prune10: 'dbops prune --dry-run --storage ./10000',
    },
    5,
    place,
  );
  for (const count of [1_000, 10_000]) rmSync(join(folder, String(count)), { recursive: true });
  const above = (name: 'list1' | 'list10' | 'prune1' | 'prune10'): number =>
    found[name].seconds - found.version.seconds;
  return [
    { what: 'list of 10,000 backups - --version', found: above('list10'), bound: 3, unit: 's' },
    times('list of 10,000 / 1,000 backups', above('list10') / above('list1'), 10),
    { what: 'prune --dry-run of 10,000 backups - --version', found: above('prune10'), bound: 3, unit: 's' },
    times('prune --dry-run of 10,000 / 1,000 backups', above('prune10') / above('prune1'), 10),
  ];
}

export async function backups(place: Place): Promise<Figure[]> {
  const folder = place.cwd;
  buildShop(join(folder, 'big.db'), { megabytes, journal: 'wal' });
  const script = `sqlite3 big.db ".backup 'copy.db'" && test "$(sqlite3 copy.db 'PRAGMA integrity_check')" = ok && \
    md5sum big.db copy.db && gzip -f copy.db`;
  const found = await alternate(
    {
      script,
      dbops: 'rm -rf store; dbops backup big.db --storage ./store --quiet',
      zstd: 'zstd -q -f -3 -T0 big.db -o big.db.zst',
    },
    3,
    place,
  );
  const size = `${megabytes} MB`;
  return [
    times(`${size}: the script it replaces / dbops backup`, found.script.seconds / found.dbops.seconds, 4, true),
    times(`${size}: dbops backup / zstd -3 -T0 of the file`, found.dbops.seconds / found.zstd.seconds, 2.2),
    times(`${size}: artifact / that of gzip`, artifactBytes(folder) / statSync(join(folder, 'copy.db.gz')).size, 1),
  ];
}

export async function memory(place: Place): Promise<Figure[]> {
  const folder = place.cwd;
  const sizes = [100, megabytes, ...(process.env['BENCH_LARGE'] === '1' ? [2_000] : [])];
  const peaks: number[] = [];
  const figures: Figure[] = [];
  for (const size of sizes) {
    const name = size === megabytes ? 'big.db' : `size${size}.db`;
    if (size !== megabytes) buildShop(join(folder, name), { megabytes: size, journal: 'wal' });
    const peak = await measure(`rm -rf store; dbops backup ${name} --storage ./store --quiet`, place);
    rmSync(join(folder, name));
    peaks.push(peak.allBytes);
    const held = (what: string, bytes: number): Figure => ({ what, found: bytes / 1e6, bound: 200, unit: 'MB' });
    figures.push(held(`${size} MB: memory of the largest process`, peak.largestBytes));
    figures.push(held(`${size} MB: memory of all processes`, peak.allBytes));
  }
  return [...figures, times('memory, largest / smallest database', (peaks.at(-1) ?? 0) / (peaks[0] ?? 0), 1.25)];
}

function artifactBytes(folder: string): number {
  const target = join(folder, 'store/big/latest');
  const part = readdirSync(target).find((name) => name.startsWith('big.db')) ?? '';
  return statSync(join(target, part)).size;
}
