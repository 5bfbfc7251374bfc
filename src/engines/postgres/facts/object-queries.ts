import { type DefinitionQuery, line, qualified, type Scope, sorted } from './definition-scope.ts';

/** Objects of the database as a whole, which are dumped only with everything else. */
export function objectQueries(scope: Scope, version: number, whole: boolean): DefinitionQuery[] {
  const stable = {
    // Part of every new database, and a dump does not tell that it was dropped.
    extensions: `SELECT ${line('e.extname')} FROM pg_extension e WHERE e.extname <> 'plpgsql'`,
    ...code(scope),
    ...foreign(scope),
    // They are about tables and others that a partial dump may lack.
    ...(whole ? { publications: publications(version), comments: comments() } : {}),
  };
  return Object.entries(stable).map(([name, sql]) => ({ name, sql, printed: false }));
}

// Objects below it are the server's own.
const firstUserOid = 16_384;

function code(scope: Scope): Record<string, string> {
  const user = (catalogue: string, oid: string): string => `${oid} >= ${firstUserOid} AND ${scope.own(catalogue, oid)}`;
  return {
    casts: `
      SELECT ${line('c.castsource::regtype', 'c.casttarget::regtype', 'c.castfunc::regprocedure', 'c.castcontext', 'c.castmethod')}
      FROM pg_cast c WHERE ${user('pg_cast', 'c.oid')}`,
    transforms: `
      SELECT ${line('t.trftype::regtype', 'l.lanname', 't.trffromsql', 't.trftosql')}
      FROM pg_transform t JOIN pg_language l ON l.oid = t.trflang WHERE ${user('pg_transform', 't.oid')}`,
    languages: `
      SELECT ${line('l.lanname', 'l.lanpltrusted', 'l.lanplcallfoid::regproc', 'l.laninline::regproc', 'l.lanvalidator::regproc')}
      FROM pg_language l WHERE ${user('pg_language', 'l.oid')}`,
    'access methods': `
      SELECT ${line('m.amname', 'm.amtype', 'm.amhandler')} FROM pg_am m WHERE ${user('pg_am', 'm.oid')}`,
    'event triggers': `
      SELECT ${line('t.evtname', 't.evtevent', 't.evtfoid::regproc', 't.evtenabled', sorted('t.evttags'))}
      FROM pg_event_trigger t WHERE ${scope.own('pg_event_trigger', 't.oid')}`,
  };
}

function foreign(scope: Scope): Record<string, string> {
  return {
    'foreign-data wrappers': `
      SELECT ${line('w.fdwname', 'w.fdwhandler::regproc', 'w.fdwvalidator::regproc', sorted('w.fdwoptions'))}
      FROM pg_foreign_data_wrapper w WHERE ${scope.own('pg_foreign_data_wrapper', 'w.oid')}`,
    'foreign servers': `
      SELECT ${line('s.srvname', 'w.fdwname', 's.srvtype', 's.srvversion', sorted('s.srvoptions'))}
      FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
      WHERE ${scope.own('pg_foreign_server', 's.oid')}`,
  };
}

function publications(version: number): string {
  return `
    SELECT ${line('p.pubname', 'p.puballtables', 'p.pubinsert', 'p.pubupdate', 'p.pubdelete', 'p.pubtruncate', 'p.pubviaroot', publishedTables, publishedSchemas(version))}
    FROM pg_publication p`;
}

const publishedTables = `(
  SELECT json_agg(t ORDER BY t COLLATE "C") FROM (
    SELECT ${qualified('n.nspname', 'c.relname')} FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.prpubid = p.oid) published (t))`;

/** Since PostgreSQL 15. */
function publishedSchemas(version: number): string {
  if (version < 150_000) return 'NULL::json';
  return `(SELECT json_agg(n.nspname ORDER BY n.nspname COLLATE "C") FROM pg_publication_namespace r
    JOIN pg_namespace n ON n.oid = r.pnnspid WHERE r.pnpubid = p.oid)`;
}

/**
 * Not those of the server's own objects, of extensions and their members, which others set, and of large objects,
 * which may be left out of a dump.
 */
function comments(): string {
  return `
    SELECT ${line('i.type', 'i.identity', 'd.description')}
    FROM pg_description d, LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i
    WHERE d.objoid >= ${firstUserOid} AND d.classoid NOT IN ('pg_extension'::regclass, 'pg_largeobject'::regclass)
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')`;
}
