import { readdirSync, rmSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fillMixed } from '../../fixtures/postgres/mixed.ts';
import { startCluster, type Cluster } from '../support/postgres/cluster.ts';
import { postgresVersions } from '../support/postgres/versions.ts';
import { times, type Figure, type Place } from './figure.ts';
import { alternate, measure } from './measure.ts';

const megabytes = Number(process.env['BENCH_POSTGRES_MEGABYTES'] ?? 1_000);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);

/** A server with its own programs, for each version of the switch. */
export async function postgres(place: Place): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const version of postgresVersions()) {
    await using cluster = await startCluster({ version });
    await cluster.sql('postgres', 'CREATE DATABASE mixed');
    await fillMixed({ url: cluster.url('mixed'), megabytes, psql: join(cluster.binDir, 'psql') });
    const own = { cwd: place.cwd, path: [cluster.binDir, place.path].join(delimiter) };
    figures.push(...(await backupOf(cluster, own)), ...(await restoreOf(cluster, own)));
    rmSync(join(place.cwd, 'pg'), { recursive: true });
  }
  return figures;
}

async function backupOf(cluster: Cluster, place: Place): Promise<Figure[]> {
  const { version } = cluster;
  const url = cluster.url('mixed');
  const found = await alternate(
    {
      nowhere: `pg_dump -Fc -Z0 '${url}' >/dev/null`,
      gzip: `pg_dump '${url}' | gzip > mixed.sql.gz`,
      dbops: `rm -rf pg; dbops backup '${url}' --storage ./pg --quiet`,
      content: `rm -rf content; dbops backup '${url}' --storage ./content --facts content --quiet`,
    },
    rounds,
    place,
  );
  const inside = Number(version) >= 16;
  const watched = await measure(`rm -rf pg; dbops backup '${url}' --storage ./pg --quiet`, {
    ...place,
    also: cluster.pid,
  });
  rmSync(join(place.cwd, 'content'), { recursive: true });
  const name = (text: string): string => `PostgreSQL ${version}, ${megabytes} MB: ${text}`;
  const against = (run: { seconds: number }, other: { seconds: number }): number => run.seconds / other.seconds;
  return [
    times(name('backup / pg_dump -Fc -Z0 to nowhere'), against(found.dbops, found.nowhere), inside ? 1 : 1.35),
    times(name('pg_dump | gzip / backup'), against(found.gzip, found.dbops), 2.5, true),
    times(name('backup with content digests / pg_dump -Fc -Z0 to nowhere'), against(found.content, found.nowhere), 2),
    times(name('artifact / that of gzip'), storedBytes(place) / statSync(join(place.cwd, 'mixed.sql.gz')).size, 1),
    times(name("dbops' own CPU / all of the run's"), watched.ownCpuSeconds / watched.allCpuSeconds, 0.15),
    { what: name('memory of the largest process'), found: watched.largestBytes / 1e6, bound: 200, unit: 'MB' },
  ];
}

async function restoreOf(cluster: Cluster, place: Place): Promise<Figure[]> {
  const address = (database: string): string => cluster.url(database);
  await measure(`pg_dump -Fc -Z0 '${address('mixed')}' > mixed.dump`, place);
  const psql = `psql -Xq '${address('postgres')}'`;
  const found = await alternate(
    {
      plain: `${psql} -c 'CREATE DATABASE plain'; pg_restore -j 2 -d '${address('plain')}' mixed.dump`,
      tidy: `${psql} -c 'DROP DATABASE plain'`,
      dbops: `dbops restore --storage ./pg --into '${address('again')}' --jobs 2 --quiet`,
      after: `${psql} -c 'DROP DATABASE again'`,
    },
    rounds,
    place,
  );
  const name = `PostgreSQL ${cluster.version}, ${megabytes} MB: restore / pg_restore -j of a plain local file`;
  return [times(name, found.dbops.seconds / found.plain.seconds, 1.15)];
}

function storedBytes({ cwd }: Place): number {
  const target = join(cwd, 'pg/mixed/latest');
  const part = readdirSync(target).find((name) => name.startsWith('db.dump')) ?? '';
  return statSync(join(target, part)).size;
}
