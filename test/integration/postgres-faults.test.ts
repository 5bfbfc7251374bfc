import { once } from 'node:events';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { type Lie, lyingPrograms } from '../support/postgres/lying-programs.ts';
import { type ProxyFaults, startProxy } from '../support/postgres/proxy.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { processesIn } from '../support/processes.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const shared = sharedCluster({ auth: 'scram' });
let whole = '';

beforeAll(async () => {
  await shared().sql(
    'postgres',
    'CREATE TABLE t AS SELECT i, md5(i::text) AS text FROM generate_series(1, 20000) AS i',
  );
  whole = (await dump(shared().binDir)).stdout;
});

describe('a pg_dump that lies', () => {
  test('writes half and says that all is well', async () => {
    const { exitCode, stdout } = await lie('half-and-well');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(whole.slice(0, whole.length / 2));
  });

  test('writes everything and fails', async () => {
    const { exitCode, stdout, stderr } = await lie('whole-and-failed');
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('last step failed') });
    expect(stdout).toBe(whole);
  });

  test('is killed when it has written half', async () => {
    const { signal, stdout } = await lie('killed-midway');
    expect(signal).toBe('SIGKILL');
    expect(stdout).toBe(whole.slice(0, whole.length / 2));
  });

  test('hangs when it has written half, until somebody ends it', async () => {
    const folder = await temporaryFolder();
    const child = dump(await lyingPrograms(shared().binDir, 'hangs-midway'), undefined, { cwd: folder });
    let written = 0;
    child.stdout.on('data', (chunk: Buffer) => (written += chunk.length));
    await vi.waitFor(() => expect(written).toBe(Math.trunc(whole.length / 2)), { timeout: 20_000 });
    expect(processesIn(folder)).toHaveLength(1);
    child.kill();
    expect((await child).signal).toBe('SIGTERM');
  });

  test('warns and does all of its work', async () => {
    const { exitCode, stdout, stderr } = await lie('warns');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining('circular foreign-key') });
    expect(stdout).toBe(whole);
  });

  test('is older than the server', async () => {
    const binDir = await lyingPrograms(shared().binDir, 'outdated');
    expect((await execa(join(binDir, 'pg_dump'), ['--version'])).stdout).toBe('pg_dump (PostgreSQL) 9.6.24');
    expect((await execa(join(binDir, 'psql'), ['--version'])).stdout).toContain(`) ${shared().version}.`);
    expect((await dump(binDir)).exitCode).toBe(1);
  });

  test('cuts a file, and in a folder the largest file, in half', async () => {
    const folder = await temporaryFolder();
    const [honest, liar] = [shared().binDir, await lyingPrograms(shared().binDir, 'half-and-well')];
    const sizes: number[][] = [];
    for (const [name, binDir] of Object.entries({ honest, liar })) {
      await mkdir(join(folder, name));
      await dump(binDir, ['--restrict-key=test', '-f', join(folder, name, 'dump')]);
      await dump(binDir, ['-Fd', '-Z0', '-j2', '--file', join(folder, name, 'dir')]);
      const files = (await readdir(join(folder, name, 'dir'))).filter((file) => file !== 'toc.dat');
      const paths = ['dump', ...files.map((file) => join('dir', file))].map((file) => join(folder, name, file));
      sizes.push(await Promise.all(paths.map(async (path) => (await stat(path)).size)));
    }
    expect(sizes[1]).toEqual(sizes[0]?.map((bytes) => Math.trunc(bytes / 2)));
  });

  test('leaves nothing in the folder for temporary files', async () => {
    const folder = await temporaryFolder();
    for (const name of ['half-and-well', 'whole-and-failed', 'killed-midway'] as const) {
      await dump(await lyingPrograms(shared().binDir, name), undefined, { env: { TMPDIR: folder } });
    }
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a proxy', () => {
  test('passes on all there is without faults', async () => {
    await using proxy = await proxyTo(shared().port);
    expect((await throughProxy(proxy.port)).stdout).toBe(whole);
    expect(proxy.struck).toBe(0);
  });

  test('cuts a connection in the middle of a dump', async () => {
    await using proxy = await proxyTo(shared().port, { cutAfter: 500_000 });
    const { exitCode, stderr, stdout } = await throughProxy(proxy.port);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: expect.stringContaining('pg_dump: error') });
    expect(whole.startsWith(stdout.slice(0, 300_000))).toBe(true);
    expect(proxy.struck).toBe(1);
  });

  test('stalls a dump until it is ended', async () => {
    await using proxy = await proxyTo(shared().port, { stallAfter: 500_000 });
    const child = throughProxy(proxy.port);
    await vi.waitFor(() => expect(proxy.struck).toBe(1), { timeout: 20_000 });
    expect(await Promise.race([child, Promise.resolve('still at it')])).toBe('still at it');
    await proxy.stop();
    expect((await child).exitCode).toBe(1);
  });

  test('cuts at the very byte', async () => {
    const server = createServer((socket) => socket.end(Buffer.alloc(100_000))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await using proxy = await proxyTo(port, { stallAfter: 77_777 });
    const client = connect(proxy.port, '127.0.0.1');
    let received = 0;
    client.on('data', (chunk) => (received += chunk.length));
    await vi.waitFor(() => expect(received).toBe(77_777), { timeout: 20_000 });
    client.destroy();
    server.close();
  });
});

const proxyTo = (port: number, faults: ProxyFaults = {}): ReturnType<typeof startProxy> =>
  startProxy({ host: '127.0.0.1', port }, faults);

interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Dumps the same database; the key, else a random one, makes the text the same each time. */
function dump(
  binDir: string,
  args: readonly string[] = ['--restrict-key=test'],
  { env = {}, cwd = '/' }: Surroundings = {},
) {
  return execa(join(binDir, 'pg_dump'), ['-d', 'postgres', ...args], {
    cwd,
    env: { ...shared().env, ...env },
    reject: false,
    stripFinalNewline: false,
  });
}

async function lie(name: Lie): Promise<Awaited<ReturnType<typeof dump>>> {
  return dump(await lyingPrograms(shared().binDir, name));
}

function throughProxy(port: number): ReturnType<typeof dump> {
  const env = { PGHOST: '127.0.0.1', PGPORT: String(port), PGPASSWORD: shared().password };
  return dump(shared().binDir, undefined, { env });
}
