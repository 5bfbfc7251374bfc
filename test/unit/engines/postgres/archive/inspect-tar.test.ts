import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { inspectTar } from '../../../../../src/engines/postgres/archive/inspect-tar.ts';
import { inPieces } from '../../../../support/archive-bytes.ts';

const archive = readFileSync('fixtures/archives/17.tar');
const problemsOf = async (bytes: Uint8Array, pieces = 65_536): Promise<readonly string[]> =>
  (await inspectTar(inPieces(bytes, pieces))).problems;

test('an archive of pg_dump 17 is whole, in pieces of any size', async () => {
  for (const size of [1, 500, 512, 65_536]) expect(await problemsOf(archive, size)).toEqual([]);
  const { toc } = await inspectTar(inPieces(archive, 1_000));
  expect(toc?.header).toMatchObject({ version: '1.16', format: 'tar', database: 'people' });
});

test('no shorter length of it is whole', async () => {
  const whole: number[] = [];
  for (const length of archive.keys()) {
    if ((await problemsOf(archive.subarray(0, length))).length === 0) whole.push(length);
  }
  expect(whole).toEqual([]);
});

test('what follows its end is found', async () => {
  expect(await problemsOf(Buffer.concat([archive, Buffer.from('x')]))).toEqual(['it breaks off in the middle']);
  expect(await problemsOf(Buffer.concat([archive, archive]))).toEqual(['something follows its end']);
});

describe('members', () => {
  const members = membersOf(archive);
  const put = (...chosen: readonly Member[]): Buffer =>
    Buffer.concat([...chosen.map(({ bytes }) => bytes), Buffer.alloc(1_024)]);

  test.each(members.map(({ name }) => name).filter((name) => name !== 'restore.sql'))(
    'that lack are named: %s',
    async (name) => {
      const problems = await problemsOf(put(...members.filter((member) => member.name !== name)));
      expect(problems.join('\n')).toContain(name);
    },
  );

  test('that are there twice, or are no part of it, are named', async () => {
    const [toc, first, ...others] = members;
    if (toc === undefined || first === undefined) throw new Error('the fixture has no members');
    expect(await problemsOf(put(toc, first, first, ...others))).toContain(`${first.name} is there twice`);
    const stranger = { ...first, bytes: renamed(first.bytes, '9999.dat') };
    expect(await problemsOf(put(...members, stranger))).toEqual(['9999.dat is no part of this archive']);
  });

  test('of contents that go on after their end are named', async () => {
    const [toc, ...others] = members;
    if (toc === undefined) throw new Error('the fixture has no members');
    const longer = resummed(Buffer.concat([toc.bytes, Buffer.alloc(512)]), (header) => {
      header.write(toc.bytes.length.toString(8).padStart(11, '0'), 124);
    });
    for (const size of [512, 65_536]) {
      const problems = await problemsOf(put({ name: 'toc.dat', bytes: longer }, ...others), size);
      expect(problems).toEqual(['toc.dat: something follows its end']);
    }
  });

  test('before the table of contents are named', async () => {
    const [toc, ...others] = members;
    if (toc === undefined) throw new Error('the fixture has no members');
    expect(await problemsOf(put(...others, toc))).toContain('toc.dat is not its first member');
  });

  test('that are links, or have a damaged header, end the reading', async () => {
    const [toc] = members;
    if (toc === undefined) throw new Error('the fixture has no members');
    const link = resummed(Buffer.from(toc.bytes), (header) => header.write('2', 156));
    expect(await problemsOf(link)).toEqual(['its member toc.dat is no plain file']);
    const damaged = Buffer.from(toc.bytes);
    damaged.write('x', 1);
    expect(await problemsOf(damaged)).toEqual(['it is no tar archive, or one of its headers is damaged']);
  });

  test('of more than eight gigabytes have their size in base 256', async () => {
    const [toc] = members;
    if (toc === undefined) throw new Error('the fixture has no members');
    const large = resummed(Buffer.from(toc.bytes), (header) => {
      header.fill(0, 124, 136);
      header.writeUInt8(0x80, 124);
      header.writeUInt8(2, 131);
      header.writeUInt32BE(0, 132);
    });
    expect(await problemsOf(large)).toEqual(['it breaks off in the middle']);
    const same = resummed(Buffer.from(toc.bytes), (header) => {
      const bytes = Number.parseInt(header.toString('latin1', 124, 135), 8);
      header.fill(0, 124, 136);
      header.writeUInt8(0x80, 124);
      header.writeUInt32BE(bytes, 132);
    });
    expect(await problemsOf(put({ name: 'toc.dat', bytes: same }, ...members.slice(1)))).toEqual([]);
  });
});

test('what is no tar archive is refused', async () => {
  expect(await problemsOf(Buffer.alloc(0))).toEqual(['it breaks off before its end']);
  expect(await problemsOf(Buffer.alloc(1_024))).toEqual(['toc.dat is missing']);
  expect(await problemsOf(Buffer.alloc(10_000, 'x'))).toEqual([
    'it is no tar archive, or one of its headers is damaged',
  ]);
});

interface Member {
  readonly name: string;
  readonly bytes: Buffer;
}

function membersOf(tar: Buffer): Member[] {
  const found: Member[] = [];
  for (let at = 0; tar[at] !== 0;) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    const end = at + 512 + Math.ceil(size / 512) * 512;
    found.push({ name: tar.toString('latin1', at, tar.indexOf(0, at)), bytes: tar.subarray(at, end) });
    at = end;
  }
  return found;
}

function renamed(member: Buffer, name: string): Buffer {
  return resummed(Buffer.from(member), (header) => header.fill(0, 0, 100).write(name));
}

function resummed(member: Buffer, change: (header: Buffer) => unknown): Buffer {
  const header = member.subarray(0, 512);
  change(header);
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return member;
}
