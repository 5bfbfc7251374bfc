import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findAccount } from '../../../src/platform/account.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const passwd = `root:x:0:0:root:/root:/bin/bash
toor:x:0:0::/root:/bin/sh
broken
postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
`;

test('the first known name is taken, never one that is root by another name', async () => {
  const file = join(await temporaryFolder(), 'passwd');
  writeFileSync(file, passwd);
  expect(await findAccount(['postgres', 'nobody'], file)).toEqual({ name: 'postgres', uid: 101, gid: 104 });
  expect(await findAccount(['missing', 'nobody'], file)).toEqual({ name: 'nobody', uid: 65_534, gid: 65_534 });
  expect(await findAccount(['root', 'toor', 'broken', 'missing'], file)).toBeUndefined();
  expect(await findAccount(['postgres'], `${file}.missing`)).toBeUndefined();
});
