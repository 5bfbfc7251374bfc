import { expect, test } from 'vitest';
import { restoreList } from '../../../../../src/engines/postgres/archive/restore-list.ts';
import { readToc } from '../../../../../src/engines/postgres/archive/toc-reader.ts';
import { tocBytes } from '../../../../support/archive-bytes.ts';

test('a list is in the order of the archive, a line an entry', () => {
  const toc = readToc(
    tocBytes({ entries: [{ dumpId: 9 }, { dumpId: 2, tag: 'a\n3; b' }, { dumpId: 5, desc: 'INDEX' }, { dumpId: 1 }] }),
  );
  expect(restoreList(toc, new Set([1, 2, 9]))).toBe('9; TABLE public.t9\n2; TABLE public.a?3; b\n1; TABLE public.t1\n');
});

test('what attaches a partition to a table outside the list comes last, and its indexes after it', () => {
  const toc = readToc(
    tocBytes({
      entries: [
        { dumpId: 1, tag: 'root' },
        { dumpId: 2, tag: 'part' },
        { dumpId: 3, tag: 'leaf' },
        { dumpId: 4, tag: 'part', desc: 'TABLE ATTACH', dependencies: [2, 1] },
        { dumpId: 5, tag: 'leaf', desc: 'TABLE ATTACH', dependencies: [3, 2] },
        { dumpId: 6, tag: 'part part_key', desc: 'CONSTRAINT', dependencies: [2] },
        { dumpId: 7, tag: 'leaf_key', desc: 'INDEX', dependencies: [3, 6] },
        { dumpId: 8, tag: 'part_key', desc: 'INDEX ATTACH', dependencies: [6, 20, 2, 1] },
        { dumpId: 9, tag: 'leaf_key', desc: 'INDEX ATTACH', dependencies: [7, 6, 3, 2, 1] },
      ],
    }),
  );
  const order = (ids: readonly number[]): readonly number[] =>
    restoreList(toc, new Set(ids))
      .trimEnd()
      .split('\n')
      .map((line) => Number.parseInt(line, 10));
  expect(order([2, 3, 4, 5, 6, 7, 8, 9])).toEqual([2, 3, 5, 6, 7, 9, 4, 8]);
  expect(order([1, 2, 3, 4, 5, 6, 7, 8, 9])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
