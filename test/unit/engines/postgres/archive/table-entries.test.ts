import { expect, test } from 'vitest';
import { tableEntries } from '../../../../../src/engines/postgres/archive/table-entries.ts';
import { readToc } from '../../../../../src/engines/postgres/archive/toc-reader.ts';
import { tocBytes, type EntryBytes } from '../../../../support/archive-bytes.ts';

const tocOf = (entries: readonly EntryBytes[]): ReturnType<typeof readToc> => readToc(tocBytes({ entries }));
const idsOf = (entries: readonly EntryBytes[], ...names: readonly string[]): readonly number[] =>
  [...tableEntries(tocOf(entries), names).ids].toSorted((a, b) => a - b);

const pair: readonly EntryBytes[] = [
  { dumpId: 1, tag: 'a' },
  { dumpId: 2, tag: 'a b' },
  {
    dumpId: 3,
    tag: 'a b c',
    desc: 'FK CONSTRAINT',
    dependencies: [1, 2],
    definition: 'ALTER TABLE ONLY public."a b"\n    ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES public.a(x);\n',
  },
];

test('a foreign key belongs to the table that has it, where two names fit', () => {
  expect(idsOf(pair, '"a b"')).toContain(3);
  expect(idsOf(pair, 'a')).not.toContain(3);
});

test('a table of another schema is another table', () => {
  const entries: readonly EntryBytes[] = [
    { dumpId: 1, tag: 't', namespace: 'one' },
    { dumpId: 2, tag: 't', namespace: 'two' },
    { dumpId: 3, tag: 't k', desc: 'CONSTRAINT', namespace: 'two', dependencies: [2] },
    { dumpId: 4, tag: 't f', desc: 'FK CONSTRAINT', namespace: 'one', dependencies: [3, 2, 1] },
  ];
  expect(idsOf(entries, 'one.t')).toEqual([1, 4]);
  expect(idsOf(entries, 'two.t')).toEqual([2, 3]);
  expect(idsOf(entries, 't')).toEqual([1, 2, 3, 4]);
  expect(tableEntries(tocOf(entries), ['one.t']).needs).toEqual([
    { dumpId: 2, desc: 'TABLE', namespace: 'two', name: 't', by: [4] },
    { dumpId: 3, desc: 'CONSTRAINT', namespace: 'two', name: 't k', by: [4] },
  ]);
});

test('a sequence of another table is needed and not taken along', () => {
  const entries: readonly EntryBytes[] = [
    { dumpId: 1, tag: 't' },
    { dumpId: 2, tag: 'u' },
    { dumpId: 3, tag: 'u_seq', desc: 'SEQUENCE', dependencies: [2] },
    { dumpId: 4, tag: 'u_seq', desc: 'SEQUENCE OWNED BY', dependencies: [3] },
    { dumpId: 5, tag: 't id', desc: 'DEFAULT', dependencies: [3, 1] },
    { dumpId: 6, tag: 'u_seq', desc: 'SEQUENCE SET', dependencies: [3] },
  ];
  expect(idsOf(entries, 't')).toEqual([1, 5]);
  expect(tableEntries(tocOf(entries), ['t']).needs.map(({ name }) => name)).toEqual(['u_seq']);
  expect(idsOf(entries, 'u')).toEqual([2, 3, 4, 6]);
});

test('views and what belongs to them stay behind', () => {
  const entries: readonly EntryBytes[] = [
    { dumpId: 1, tag: 't' },
    { dumpId: 2, tag: 'v', desc: 'VIEW', dependencies: [1] },
    { dumpId: 3, tag: 'VIEW v', desc: 'COMMENT', dependencies: [2] },
    { dumpId: 4, tag: 'm', desc: 'MATERIALIZED VIEW', dependencies: [1] },
    { dumpId: 5, tag: 'm', desc: 'MATERIALIZED VIEW DATA', dependencies: [4, 1] },
    { dumpId: 6, tag: 'm_index', desc: 'INDEX', dependencies: [4] },
    { dumpId: 7, tag: 'p t', desc: 'PUBLICATION TABLE', dependencies: [1] },
  ];
  expect(idsOf(entries, 't')).toEqual([1]);
});

test('rows alone are found in an archive of data alone', () => {
  const entries: readonly EntryBytes[] = [
    { dumpId: 5, tag: 't', desc: 'TABLE DATA', dependencies: [1], hasData: true },
    { dumpId: 6, tag: 'u', desc: 'TABLE DATA', dependencies: [2], hasData: true },
  ];
  expect(idsOf(entries, 't')).toEqual([5]);
});

test('statistics of PostgreSQL 18 come with their table and its indexes', () => {
  const entries: readonly EntryBytes[] = [
    { dumpId: 1, tag: 't' },
    { dumpId: 2, tag: 't', desc: 'STATISTICS DATA', dependencies: [1] },
    { dumpId: 3, tag: 't_key', desc: 'INDEX', dependencies: [1] },
    { dumpId: 4, tag: 't_key', desc: 'STATISTICS DATA', dependencies: [3] },
    { dumpId: 5, tag: 'u', desc: 'STATISTICS DATA', dependencies: [9] },
  ];
  expect(idsOf(entries, 't')).toEqual([1, 2, 3, 4]);
});

test('a name that fits no table is refused, also among others that do', () => {
  expect(() => tableEntries(tocOf(pair), ['a', 'c'])).toThrow(
    expect.objectContaining({ code: 'NOTHING_MATCHES', message: 'the archive has no table c' }),
  );
});

test('a table of 20,000 partitions is found in linear time', () => {
  const partitions = Array.from({ length: 20_000 }, (_, at) => at + 2);
  const toc = tocOf([
    { dumpId: 1, tag: 'all' },
    ...partitions.map((dumpId) => ({ dumpId, dependencies: [1] })),
    ...partitions.map((id) => ({ dumpId: id + 50_000, tag: `t${id}`, desc: 'TABLE ATTACH', dependencies: [id, 1] })),
  ]);
  const started = process.cpuUsage();
  expect(tableEntries(toc, ['all']).ids.size).toBe(40_001);
  expect(process.cpuUsage(started).user / 1e6).toBeLessThan(3);
});
