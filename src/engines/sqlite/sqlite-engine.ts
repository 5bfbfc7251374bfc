import type { Engine } from '../../core/ports/engine.ts';
import { dump } from './dump.ts';
import { inspect, refuseIncomplete } from './inspect.ts';
import { probe } from './probe.ts';
import { stage, survey } from './stage.ts';
import { exportTables, restoreTables } from './tables.ts';

export const sqliteEngine: Engine = {
  name: 'sqlite',
  probe,
  dump,
  inspect,
  refuseIncomplete,
  survey,
  stage,
  restoreTables,
  exportTables,
};
