// Runs the built command line with a storage that ends this very process by SIGKILL, or fails, at its nth call:
// node killable.ts <nth> <before|after> <dbops arguments…>
import { createProcessHost } from '../../src/cli/host.ts';
import { runCommandLine } from '../../src/cli/program.ts';
import { createWorld } from '../../src/world.ts';
