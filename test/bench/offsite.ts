import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { fillMixed } from '../../fixtures/postgres/mixed.ts';
import { startCluster } from '../support/postgres/cluster.ts';
import { startGateway, type StoreAccess } from '../support/s3/ceph.ts';
import { times, type Figure, type Place } from './figure.ts';
import { alternate, measure } from './measure.ts';

const megabytes = Number(process.env['BENCH_POSTGRES_MEGABYTES'] ?? 1_000);
const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const uploader = fileURLToPath(new URL('upload-file.ts', import.meta.url));

/** Backups into a bucket, into two places at once, and encrypted ones, each against the same without that. */
export async function offsite(place: Place): Promise<Figure[]> {
  await using gateway = await startGateway();
  await using cluster = await startCluster({});
  await prepare(gateway.access, place);
  await cluster.sql('postgres', 'CREATE DATABASE mixed');
  const url = cluster.url('mixed');
  await fillMixed({ url, megabytes, psql: join(cluster.binDir, 'psql') });
  const own = { cwd: place.cwd, path: [cluster.binDir, place.path].join(delimiter) };
  await measure(`dbops key generate --output key.txt && dbops backup '${url}' --storage ./first --quiet`, own);
  const stored = storedPart(join(place.cwd, 'first/mixed/latest'));
  const upload = (key: string): string => `. ./s3.env; '${process.execPath}' '${uploader}' '${stored}' bench ${key}`;
  // A new gateway makes its pools for the first upload that it gets, for seconds.
  await measure(upload('first'), own);
  const backup = (to: string): string => `. ./s3.env; rm -rf near; dbops backup '${url}' ${to} --quiet`;
  const found = await alternate(
    {
      local: backup('--storage ./near'),
      encrypted: backup('--storage ./near --recipient "$(grep -o "age1.*" key.txt)"'),
      bucket: backup('--storage s3://bench/one'),
      upload: upload('sdk'),
      both: backup('--storage ./near --storage s3://bench/both'),
    },
    rounds,
    own,
  );
  const watched = await measure(backup('--storage s3://bench/watched'), own);
  for (const name of ['first', 'near']) rmSync(join(place.cwd, name), { recursive: true, force: true });
  const [slower, longer] = [
    Math.max(found.local.seconds, found.bucket.seconds),
    Math.max(found.local.seconds, found.upload.seconds),
  ];
  const name = (text: string): string => `PostgreSQL ${cluster.version}, ${megabytes} MB: ${text}`;
  return [
    times(name('into a bucket / the longer of into a folder and the upload alone'), found.bucket.seconds / longer, 1.3),
    times(name('into both / the slower of them alone'), found.both.seconds / slower, 1.3),
    times(name('encrypted / not'), found.encrypted.seconds / found.local.seconds, 1.2),
    { what: name('into a bucket: largest process'), found: watched.largestBytes / 1e6, bound: 300, unit: 'MB' },
  ];
}

async function prepare({ endpoint, accessKeyId, secretAccessKey }: StoreAccess, { cwd }: Place): Promise<void> {
  const variables = {
    S3_ENDPOINT: endpoint,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
  };
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'\n`);
  writeFileSync(join(cwd, 's3.env'), lines.join(''), { mode: 0o600 });
  const credentials = { accessKeyId, secretAccessKey };
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: 'bench' }));
  client.destroy();
}

function storedPart(folder: string): string {
  return join(folder, readdirSync(folder).find((name) => name.startsWith('db.dump')) ?? '');
}
