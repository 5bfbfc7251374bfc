import type fs from 'node:fs';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { linkFree, placeFree } from '../../../../../src/engines/sqlite/jobs/keep-file.ts';
import { temporaryFolder } from '../../../../support/temporary-folder.ts';

const links = vi.hoisted(() => ({ refusedWith: '' }));

// No file system without hard links can be mounted everywhere that tests run.
vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  return {
    ...real,
    linkSync: (from: string, to: string) => {
      if (links.refusedWith === '') return real.linkSync(from, to);
      throw Object.assign(new Error('refused'), { code: links.refusedWith });
    },
  };
});

describe.each(['', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'])('where link fails with "%s"', (code) => {
  beforeEach(() => void (links.refusedWith = code));

  it('a file is placed under a free name', async () => {
    const { from, to } = await pair();
    placeFree(from, to);
    expect(readFileSync(to, 'utf8')).toBe('new');
    expect(existsSync(from)).toBe(false);
  });

  it('a file is never placed over another', async () => {
    const { from, to } = await pair();
    writeFileSync(to, 'mine');
    expect(() => placeFree(from, to)).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    expect([readFileSync(to, 'utf8'), readFileSync(from, 'utf8')]).toEqual(['mine', 'new']);
  });

  it('a file is kept under the first free name', async () => {
    const { from, to } = await pair();
    writeFileSync(to, 'mine');
    expect(linkFree(from, to)).toBe(`${to}-2`);
    expect([to, `${to}-2`].map((path) => readFileSync(path, 'utf8'))).toEqual(['mine', 'new']);
  });
});

it('an error that says something else is not hidden', async () => {
  links.refusedWith = 'EXDEV';
  const { from, to } = await pair();
  expect(() => placeFree(from, to)).toThrow(expect.objectContaining({ code: 'EXDEV' }));
  expect(existsSync(to)).toBe(false);
});

async function pair(): Promise<{ from: string; to: string }> {
  const folder = await temporaryFolder();
  const [from, to] = [join(folder, 'from'), join(folder, 'to')] as const;
  writeFileSync(from, 'new');
  return { from, to };
}
