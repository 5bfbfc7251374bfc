import { DbopsError } from '../../core/errors.ts';
import type { Engine } from '../../core/ports/engine.ts';
import { inspect, refuseIncomplete } from './inspect.ts';
import { open } from './source.ts';
import { stage, survey } from './stage.ts';
import { exportTables, restoreTables, unknownTables } from './tables.ts';

export const sqliteEngine: Engine = {
  name: 'sqlite',
  databases: async () => {
    throw new DbopsError('USAGE', 'an SQLite file is one database', { hint: 'Leave --all-databases out.' });
  },
  open,
  inspect,
  refuseIncomplete,
  survey,
  stage,
  restoreTables,
  exportTables,
  unknownTables,
};
