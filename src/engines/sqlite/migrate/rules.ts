import type { ScriptRules } from '../../../core/migrations/script.ts';
import { sqliteDialect } from '../../../core/sql/dialect.ts';

/** Source: the pages of SQLite on VACUUM, PRAGMA journal_mode and PRAGMA foreign_keys. */
export const sqliteRules: ScriptRules = {
  dialect: sqliteDialect,
  outside: /^(vacuum|pragma (\w+ ?\. ?)?journal_mode|attach|detach)\b/i,
  forbidden: [
    {
      pattern: /^pragma (\w+ ?\. ?)?foreign_keys\b/i,
      reason:
        'foreign_keys has no effect here: dbops turns it off before the transaction and checks afterwards (`-- dbops: keep-foreign-keys` leaves it on)',
    },
    {
      pattern: /^pragma (\w+ ?\. ?)?writable_schema\b/i,
      reason: 'writable_schema can destroy the database',
    },
  ],
};
