// The built command line with a storage that ends this very process by SIGKILL right before its nth call:
// node run-killable.ts <nth> <dbops arguments…>
import { withFault } from './fault-storage.ts';

const load = (name: string): Promise<unknown> => import(new URL(`../../dist/${name}.js`, import.meta.url).href);
const { createProcessHost } = (await load('cli/host')) as typeof import('../../src/cli/host.ts');
const { runCommandLine } = (await load('cli/program')) as typeof import('../../src/cli/program.ts');
const { createWorld } = (await load('world')) as typeof import('../../src/world.ts');

const [nth, ...argv] = process.argv.slice(2);
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
const world = createWorld(
  '0.0.0-test',
  (storage) => withFault(storage, { nth: Number(nth), when: 'before', strike: die }).storage,
);
process.exitCode = await runCommandLine(
  { ...createProcessHost(), argv },
  { version: '0.0.0-test', loadWorld: () => Promise.resolve(world) },
);
