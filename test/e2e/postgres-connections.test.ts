import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { openPlace, expectRefusal, expectNothingLeft } from '../support/postgres/place.ts';
import { freePort } from '../support/postgres/server.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';

const shared = sharedCluster({ auth: 'scram', ssl: true });

beforeAll(async () => {
  await shared().sql('postgres', 'CREATE DATABASE shop');
  await shared().sql('shop', 'CREATE TABLE item AS SELECT i FROM generate_series(1, 100) AS i');
});

/** Leads to the cluster without a password. */
const address = (rest = ''): string => `postgresql://postgres@127.0.0.1:${shared().port}/shop${rest}`;

describe('a password', () => {
  test('that is wrong ends a backup with exit 3, and says where passwords are looked for', async () => {
    const place = await openPlace();
    const result = await place.run(['backup', address()], { PGPASSWORD: 'mistaken-canary' });
    expectRefusal(result, {
      exitCode: 3,
      message:
        /^no connection to postgresql:\/\/postgres@127\.0\.0\.1:\d+\/shop: .*password authentication failed for user "postgres"/,
      hint: /PGPASSWORD, .*~\/\.pgpass/,
    });
    expect(result.stderr).not.toContain('mistaken-canary');
    await expectNothingLeft(place, shared());
  });

  test('that is missing is told, and not asked for', async () => {
    const place = await openPlace();
    expectRefusal(await place.run(['backup', address()]), {
      exitCode: 3,
      message: /no password supplied/,
      hint: /~\/\.pgpass/,
    });
  });

  test.each(['a variable', 'a password file', 'a service file', 'the address', 'the file of a variable'])(
    'comes by %s',
    async (way) => {
      const place = await openPlace();
      const { password, port } = shared();
      const file = (name: string, text: string): string => {
        const path = join(place.cwd, name);
        writeFileSync(path, text, { mode: 0o600 });
        return path;
      };
      const escaped = password.replace(/[\\:]/g, String.raw`\$&`);
      const service = `[shop]\nhost=127.0.0.1\nport=${port}\nuser=postgres\npassword=${password}\ndbname=shop\n`;
      const ways: Record<string, () => [string, Record<string, string>]> = {
        'a variable': () => [address(), { PGPASSWORD: password }],
        'a password file': () => (file('.pgpass', `127.0.0.1:${port}:*:postgres:${escaped}\n`), [address(), {}]),
        'a service file': () => ['service=shop', { PGSERVICEFILE: file('services.conf', service) }],
        'the address': () => [shared().url('shop'), {}],
        'the file of a variable': () => ['', { DATABASE_URL_FILE: file('url', `${shared().url('shop')}\n`) }],
      };
      const [word, env] = ways[way]?.() ?? ['', {}];
      const result = await place.run(['backup', ...(word === '' ? [] : [word])], env);
      expect(result.stderr).not.toMatch(/^error/m);
      expect(result.exitCode).toBe(0);
    },
  );

  test('in a file that others can read is ignored by libpq, and that is said', async () => {
    const place = await openPlace();
    const path = join(place.cwd, '.pgpass');
    writeFileSync(path, `*:*:*:*:${shared().password}\n`);
    chmodSync(path, 0o644);
    const result = await place.run(['backup', address()]);
    expectRefusal(result, {
      exitCode: 3,
      message: /password file ".*\.pgpass" has group or world access/,
      hint: /mode 0600/,
    });
  });
});

describe('a server that cannot be reached', () => {
  test('because nothing listens there', async () => {
    const place = await openPlace();
    const port = await freePort();
    expectRefusal(await place.run(['backup', `postgresql://postgres@127.0.0.1:${port}/shop`]), {
      exitCode: 3,
      message: new RegExp(`^no connection to postgresql://postgres@127\\.0\\.0\\.1:${port}/shop: .*Connection refused`),
      hint: /pg_isready/,
    });
  });

  test('because its socket is not there', async () => {
    const place = await openPlace();
    expectRefusal(await place.run(['backup', `postgresql:///shop?host=${place.cwd}`]), {
      exitCode: 3,
      message: /No such file or directory/,
      hint: /Check that the server runs/,
    });
  });

  test('because nobody knows its name', async () => {
    const place = await openPlace();
    expectRefusal(await place.run(['backup', 'postgresql://postgres@db.invalid/shop']), {
      exitCode: 3,
      message: /could not translate host name "db\.invalid"/,
      hint: /Check the host/,
    });
  });

  test('because the database is missing', async () => {
    const place = await openPlace();
    expectRefusal(await place.run(['backup', shared().url('shpo')]), {
      exitCode: 3,
      message: /database "shpo" does not exist/,
      hint: /psql --list/,
    });
    expectRefusal(await place.run(['backup', address().replace('postgres@', 'nobody@')], { PGPASSWORD: 'x-canary' }), {
      exitCode: 3,
      message: /password authentication failed for user "nobody"/,
      hint: /password/,
    });
  });
});

describe('TLS', () => {
  const verifying = (rest: string): string => `${shared().url('shop')}?sslmode=verify-full${rest}`;

  test('G24: a certificate nobody vouches for is refused, and accepted with the one that does', async () => {
    const place = await openPlace();
    const untrusting = await place.run(['backup', verifying('')]);
    expectRefusal(untrusting, { exitCode: 3, message: /root\.crt" does not exist/, hint: /sslrootcert/ });
    const wrong = join(place.cwd, 'wrong.crt');
    writeFileSync(wrong, '');
    expectRefusal(await place.run(['backup', verifying(`&sslrootcert=${wrong}`)]), {
      exitCode: 3,
      message: /certificate/,
      hint: /never lowers sslmode/,
    });
    const result = await place.run(['backup', verifying(`&sslrootcert=${shared().certificate}`)]);
    expect(result.stderr).not.toMatch(/^error/m);
    expect(result.exitCode).toBe(0);
  });

  test('G24: a certificate of another host is refused', async () => {
    const place = await openPlace();
    const elsewhere = shared().url('shop').replace('@127.0.0.1', '@db.example');
    const url = `${elsewhere}?hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=${shared().certificate}`;
    expectRefusal(await place.run(['backup', url]), {
      exitCode: 3,
      message: /does not match host name "db\.example"/,
      hint: /never lowers sslmode/,
    });
  });

  test('G24: a server without TLS is refused where TLS is required', async () => {
    const place = await openPlace();
    await setTls('off');
    try {
      expectRefusal(await place.run(['backup', `${shared().url('shop')}?sslmode=require`]), {
        exitCode: 3,
        message: /server does not support SSL, but SSL was required/,
        hint: /never lowers sslmode/,
      });
    } finally {
      await setTls('on');
    }
  });
});

async function setTls(value: 'on' | 'off'): Promise<void> {
  await shared().sql('postgres', `ALTER SYSTEM SET ssl = ${value}`);
  await shared().sql('postgres', 'SELECT pg_reload_conf()');
  // A session of the server reads its settings when it begins, and may be quicker than the reload.
  await vi.waitFor(async () => expect(await shared().sql('postgres', 'SHOW ssl')).toBe(value), { timeout: 10_000 });
}
