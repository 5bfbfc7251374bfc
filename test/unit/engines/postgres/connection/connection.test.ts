import { describe, expect, test } from 'vitest';
import { createCodecs } from '../../../../../src/codecs/codecs.ts';
import {
  createConnection,
  databaseArguments,
  type Connection,
} from '../../../../../src/engines/postgres/connection/connection.ts';

interface Way {
  readonly location?: string;
  readonly password?: string;
  readonly via?: readonly string[];
  readonly environment?: Record<string, string>;
}

function connect({ location = 'postgresql://me@db/shop', password, via, environment = {} }: Way): Connection {
  return createConnection(
    {
      location,
      ...(password === undefined ? {} : { password }),
      lockTimeoutMs: 5_000,
      access: via === undefined ? {} : { via },
    },
    { environment, temporaryFolder: '/tmp', codecs: createCodecs(undefined) },
  );
}

describe('a program that runs here', () => {
  test('has of the environment what libpq reads, and what finds files', () => {
    const environment = {
      PATH: '/bin',
      HOME: '/home/me',
      PGSSLMODE: 'verify-full',
      PGPASSFILE: '/etc/pass',
      KRB5CCNAME: '/tmp/krb',
      PGCLIENTENCODING: 'LATIN1',
      PGAPPNAME: 'other',
      LC_ALL: 'de_DE.UTF-8',
      LD_PRELOAD: '/evil.so',
      NODE_OPTIONS: '--inspect',
      PSQLRC: '/evil',
      PAGER: 'evil',
      DATABASE_URL: 'postgresql://me:secret@db/shop',
    };
    expect(connect({ environment }).command('/bin/psql', ['-l'], { EXTRA: '1' })).toEqual({
      file: '/bin/psql',
      args: ['-l'],
      env: {
        PATH: '/bin',
        HOME: '/home/me',
        PGSSLMODE: 'verify-full',
        PGPASSFILE: '/etc/pass',
        KRB5CCNAME: '/tmp/krb',
        LC_ALL: 'C',
        PGAPPNAME: 'dbops',
        PGCONNECT_TIMEOUT: '30',
        EXTRA: '1',
      },
      preface: '',
    });
  });

  test('gets the password of the address before that of the environment', () => {
    const environment = { PGPASSWORD: 'theirs' };
    expect(connect({ environment }).command('psql', []).env['PGPASSWORD']).toBe('theirs');
    expect(connect({ environment, password: 'ours' }).command('psql', []).env['PGPASSWORD']).toBe('ours');
  });

  test('is never told it by its arguments', () => {
    const connection = connect({ password: 'hunter2' });
    const { args } = connection.command('psql', databaseArguments(connection));
    expect(args).toEqual([`--dbname=user='me' host='db' dbname='shop'`, '--no-password'].map(withOrder));
  });
});

/** The order of keywords is that of the address. */
function withOrder(word: string): unknown {
  return word.startsWith('--dbname=') ? expect.stringMatching(/^--dbname=(?=.*user='me')(?=.*host='db')/) : word;
}

describe('a program that runs elsewhere', () => {
  test('is started by the words before it, in their own environment', () => {
    const environment = { PATH: '/bin', DOCKER_HOST: 'unix:///d', PGHOST: 'here' };
    const connection = connect({ via: ['docker', 'exec', '-i', 'db'], environment });
    expect(connection.command('psql', ['-l'], { EXTRA: '1' })).toEqual({
      file: 'docker',
      args: ['exec', '-i', 'db', 'env', 'PGCONNECT_TIMEOUT=30', 'LC_ALL=C', 'PGAPPNAME=dbops', 'EXTRA=1', 'psql', '-l'],
      env: environment,
      preface: '',
    });
    expect(connection.parameters, 'PGHOST is about this machine').toEqual({ user: 'me', host: 'db', dbname: 'shop' });
  });

  test('is told the password by the first line of its input', () => {
    const { args, preface } = connect({ via: ['ssh', 'db'], password: "p'w d" }).command('psql', []);
    expect(preface).toBe("p'w d\n");
    expect(args.join(' ')).not.toContain("p'w d");
    expect(args.slice(1, 3)).toEqual(['sh', '-c']);
  });
});

describe('the variables of libpq', () => {
  const environment = { PGHOST: 'there', PGPORT: '5433', PGDATABASE: 'other', PGUSER: 'you' };

  test('fill in what the address does not say, and are shown', () => {
    expect(connect({ location: 'postgresql://', environment }).label).toBe('postgresql://you@there:5433/other');
    expect(connect({ location: 'postgresql://db/shop', environment }).label).toBe('postgresql://you@db:5433/shop');
  });

  test('count for nothing where they are empty', () => {
    expect(connect({ location: 'postgresql:///shop', environment: { PGHOST: '' } }).label).toBe('postgresql:///shop');
  });

  test('leave a service its own', () => {
    expect(connect({ location: 'service=shop', environment }).parameters).toEqual({ service: 'shop' });
    const named = { ...environment, PGSERVICE: 'shop' };
    expect(connect({ location: 'postgresql://', environment: named }).parameters).toEqual({});
  });
});

test('another database of the same server is reached the same way', () => {
  const other = connect({ via: ['env'], password: 'hunter2' }).to('a b');
  expect([other.label, other.via, other.command('psql', []).preface]).toEqual([
    'postgresql://me@db/a%20b',
    ['env'],
    'hunter2\n',
  ]);
});
