// Measures dbops against the plain tools in the same run, and prints a table: npm run bench
// BENCH_LARGE=1 adds a database of 2 GB; BENCH_MEGABYTES changes the size of the one that is timed; BENCH_PARTS names
// the parts to run: startUp, catalogues, backups, memory, postgres, offsite. DBOPS_TEST_PG names the versions of PostgreSQL.
// Needs sqlite3, zstd, gzip and md5sum. All data stands in a temporary folder that is removed in the end.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { formatTable } from '../../src/report/format.ts';
import { binary } from '../support/run-dbops.ts';
import { holds, rowOf, type Figure, type Place } from './figure.ts';
import { offsite } from './offsite.ts';
import { postgres } from './postgres.ts';
import { backups, catalogues, memory, startUp } from './sqlite.ts';

const folder = mkdtempSync(join(process.env['BENCH_FOLDER'] ?? tmpdir(), 'dbops-bench-'));
const place: Place = {
  cwd: folder,
  path: [join(folder, 'bin'), dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
};
async function main(): Promise<void> {
  mkdirSync(join(folder, 'bin'));
  writeFileSync(join(folder, 'bin/dbops'), `#!/bin/sh\nexec '${process.execPath}' '${binary}' "$@"\n`, { mode: 0o755 });
  const figures: Figure[] = [];
  for (const part of chosen()) {
    console.error(`measuring: ${part.name}`);
    figures.push(...(await part(place)));
  }
  console.log(formatTable(['FIGURE', 'FOUND>', 'BOUND>', 'VERDICT'], figures.map(rowOf)));
  if (!figures.every(holds)) process.exitCode = 1;
}

const parts = { startUp, catalogues, backups, memory, postgres, offsite };

function chosen(): ((place: Place) => Promise<Figure[]>)[] {
  const named = process.env['BENCH_PARTS']?.split(',') ?? Object.keys(parts);
  return Object.entries(parts).flatMap(([name, part]) => (named.includes(name) ? [part] : []));
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
