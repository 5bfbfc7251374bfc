import type { Command } from 'commander';
import type { Runner } from '../runner.ts';
import { registerBackup } from './backup.ts';
import { registerCheck } from './check.ts';
import { registerCompletion } from './completion.ts';
import { registerConfig } from './config.ts';
import { registerCopy } from './copy.ts';
import { registerInit } from './init.ts';
import { registerKey } from './key.ts';
import { registerList } from './list.ts';
import { registerMigrate } from './migrate.ts';
import { registerPin } from './pin.ts';
import { registerPrune } from './prune.ts';
import { registerRestore } from './restore.ts';
import { registerShow } from './show.ts';
import { registerVerify } from './verify.ts';

/** All commands, in the order of the help. */
export function registerCommands(program: Command, runner: Runner): void {
  registerBackup(program, runner);
  registerList(program, runner);
  registerShow(program, runner);
  registerVerify(program, runner);
  registerRestore(program, runner);
  registerCopy(program, runner);
  registerPrune(program, runner);
  registerPin(program, runner);
  registerMigrate(program, runner);
  registerCheck(program, runner);
  registerKey(program, runner);
  registerInit(program, runner);
  registerConfig(program, runner);
  registerCompletion(program, runner);
}
