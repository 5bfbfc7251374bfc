import type { ScriptRules } from '../../../core/migrations/script.ts';
import { postgresDialect } from '../../../core/sql/dialect.ts';

// "cannot run inside a transaction block" in the manual of PostgreSQL 18, page by page.
const outside = [
  String.raw`create (unique )?index concurrently\b`,
  String.raw`drop index concurrently\b`,
  String.raw`reindex\b.*\bconcurrently\b`,
  String.raw`reindex (\(.*\) ?)?(database|system)\b`,
  String.raw`vacuum\b`,
  String.raw`(create|drop) (database|tablespace)\b`,
  String.raw`alter database \S+ set tablespace\b`,
  String.raw`alter system\b`,
  String.raw`alter table .* detach partition .* concurrently$`,
  String.raw`(create|drop|alter) subscription\b`,
];

export const postgresRules: ScriptRules = {
  dialect: postgresDialect,
  outside: new RegExp(`^(${outside.join('|')})`, 'is'),
  ownTransactions: /^(call|do)\b/i,
  forbidden: [
    {
      pattern: /^set (session |local )?standard_conforming_strings\b(?! ?(=|to) ?'?(on|true|1)\b)/i,
      reason: 'standard_conforming_strings may not be turned off: a backslash would mean something else from there on',
    },
  ],
};
