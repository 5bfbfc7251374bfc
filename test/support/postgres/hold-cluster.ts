// Starts a cluster, says where it lies, and waits to be killed: node hold-cluster.ts <version>
import { startCluster } from './cluster.ts';
import type { PostgresVersion } from './versions.ts';

const cluster = await startCluster({ version: process.argv[2] as PostgresVersion });
console.log(cluster.socketFolder);
setInterval(() => undefined, 60_000);
