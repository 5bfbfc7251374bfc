// A program of its own: writes one entry of a cache again and again, with two contents in turn.
import { openPrivateFolder } from '../../src/platform/private-folder.ts';
import { encodeEntry } from '../../src/storage/wrap/cache-entry.ts';

const [path = '', rounds = '0'] = process.argv.slice(2);
const folder = openPrivateFolder(path);
for (let round = 0; round < Number(rounds); round++) {
  const revision = round % 2 === 0 ? 'even' : 'odd';
  folder.write('entry', encodeEntry({ key: 'entry', revision, content: Buffer.alloc(50_000, revision) }));
}
