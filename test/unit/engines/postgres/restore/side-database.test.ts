import { describe, expect, test } from 'vitest';
import { nameWith } from '../../../../../src/engines/postgres/restore/side-database.ts';

describe('a name beside another', () => {
  test.each(['x'.repeat(63), 'ü'.repeat(31), '😀'.repeat(15), `${'x'.repeat(29)}😀${'x'.repeat(20)}`])(
    'of %s never loses its end, nor half a letter, to the 63 bytes that the server keeps',
    (name) => {
      const made = nameWith(name, '_dbops_0123abcd');
      expect(Buffer.byteLength(made)).toBeLessThanOrEqual(63);
      expect(Buffer.byteLength(made)).toBeGreaterThan(59);
      expect(made.endsWith('_dbops_0123abcd')).toBe(true);
      expect(made.isWellFormed()).toBe(true);
      expect(name.startsWith(made.slice(0, -'_dbops_0123abcd'.length))).toBe(true);
    },
  );
});
