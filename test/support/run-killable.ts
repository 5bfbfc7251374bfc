// The built command line with a storage that ends this very process by SIGKILL right before its nth call:
// node run-killable.ts <nth> <dbops arguments…>
import type * as Host from '../../src/cli/host.ts';
import type * as Program from '../../src/cli/program.ts';
import type * as World from '../../src/world.ts';
import { withFault } from './fault-storage.ts';

const load = (name: string): Promise<unknown> => import(new URL(`../../dist/${name}.js`, import.meta.url).href);
const { createProcessHost } = (await load('cli/host')) as typeof Host;
const { runCommandLine } = (await load('cli/program')) as typeof Program;
const { createWorld } = (await load('world')) as typeof World;

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
