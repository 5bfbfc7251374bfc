// Starts a throw-away cluster, says where it is, and keeps it until its input ends or it is killed:
// node hold-sandbox.ts <scratch> <temporary folder>
import { once } from 'node:events';
import { startSandbox } from '../../src/engines/postgres/sandbox/sandbox.ts';
import { findServerPrograms } from '../../src/engines/postgres/tools/programs.ts';

const [scratch = '', temporaryFolder = ''] = process.argv.slice(2);
const programs = await findServerPrograms({ path: process.env['PATH'], binDir: undefined, atLeastMajor: 15 });
await using sandbox = await startSandbox({
  programs,
  scratch,
  temporaryFolder,
  encoding: 'UTF8',
  locale: 'C',
  signal: new AbortController().signal,
});
console.log(JSON.stringify(sandbox.env));
process.stdin.resume();
await once(process.stdin, 'end');
