import { expect, test } from 'vitest';
import { storageError } from '../../../src/platform/file-error.ts';

// Reading and writing, backups and restores meet the same errors: a hint must be true for all of them.
test.each(['ENOSPC', 'EDQUOT', 'EACCES', 'EPERM', 'EROFS'])(
  'the hint for %s fits reading and restoring too',
  (code) => {
    const { hint } = storageError(Object.assign(new Error(code), { code }), 'cannot read x');
    expect(hint).toMatch(/^[A-Z].*\.$/);
    expect(hint).not.toMatch(/--storage|published|right to write/);
  },
);
