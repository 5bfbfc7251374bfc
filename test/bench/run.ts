// Measures dbops against the plain tools in the same run, and prints a table: npm run bench
// BENCH_LARGE=1 adds a database of 2 GB; BENCH_MEGABYTES changes the size of the one that is timed.
// Needs sqlite3, zstd, gzip and md5sum. All data stands in a temporary folder that is removed in the end.
import { mkdirSync, readdirSync, rmSync, statSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { buildShop } from '../../fixtures/shop/shop.ts';
import { formatTable } from '../../src/report/format.ts';
import { binary } from '../support/run-dbops.ts';
import { fillCatalog } from './catalog-of.ts';
import { alternate, measure } from './measure.ts';

const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'dbops-bench-'));
const place = {
  cwd: folder,
  path: [join(folder, 'bin'), dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
};
const megabytes = Number(process.env['BENCH_MEGABYTES'] ?? 500);

interface Figure {
  readonly what: string;
  readonly found: number;
  readonly bound: number;
  readonly unit: string;
  /** Whether the figure has to be at least the bound, instead of at most. */
  readonly atLeast?: boolean;
}

async function main(): Promise<void> {
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/dbops'), `#!/bin/sh\nexec '${process.execPath}' '${binary}' "$@"\n`, { mode: 0o755 });
  const figures: Figure[] = [];
  for (const part of [startUp, catalogues, backups, memory]) {
    console.error(`measuring: ${part.name}`);
    figures.push(...(await part()));
  }
  console.log(formatTable(['FIGURE', 'FOUND>', 'BOUND>', 'VERDICT'], figures.map(rowOf)));
  if (!figures.every(holds)) process.exitCode = 1;
}

async function startUp(): Promise<Figure[]> {
  const found = await alternate({ dbops: 'dbops --version', node: `'${process.execPath}' -e 0` }, 9, place);
  return [times('dbops --version / node -e 0', found.dbops.seconds / found.node.seconds, 2.5)];
}

async function catalogues(): Promise<Figure[]> {
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

async function backups(): Promise<Figure[]> {
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
    times(`${size}: artifact / that of gzip`, artifactBytes() / statSync(join(folder, 'copy.db.gz')).size, 1),
  ];
}

async function memory(): Promise<Figure[]> {
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

function artifactBytes(): number {
  const target = join(folder, 'store/big/latest');
  const part = readdirSync(target).find((name) => name.startsWith('big.db')) ?? '';
  return statSync(join(target, part)).size;
}

function times(what: string, found: number, bound: number, atLeast = false): Figure {
  return { what, found, bound, unit: '×', atLeast };
}

function holds({ found, bound, atLeast }: Figure): boolean {
  return atLeast === true ? found >= bound : found <= bound;
}

function rowOf(figure: Figure): string[] {
  const { what, found, bound, unit, atLeast } = figure;
  const limit = `${atLeast === true ? 'at least' : 'at most'} ${bound} ${unit}`;
  return [what, `${found.toFixed(found < 100 ? 2 : 0)} ${unit}`, limit, holds(figure) ? 'holds' : 'MISSED'];
}

const cleanUp = (): void => rmSync(folder, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    cleanUp();
    process.exit(1);
  });
}
try {
  await main();
} finally {
  cleanUp();
}
