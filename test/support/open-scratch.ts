// A program of its own: opens a scratch folder, says where it is, and waits to be killed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openScratch } from '../../src/platform/scratch.ts';

const { folder } = await openScratch(process.argv[2] ?? '.');
writeFileSync(join(folder, 'half-written'), 'x');
console.log(folder);
setInterval(() => undefined, 60_000);
