import { type DefinitionQuery, line, qualified, type Scope, sorted } from './definition-scope.ts';

/** Objects that live in schemas, beside tables. */
export function schemaBoundQueries(scope: Scope, version: number): DefinitionQuery[] {
  const stable = {
    // Every new database has `public`, and a dump does not tell that it was dropped.
    schemas: `
      SELECT ${line('n.nspname')} FROM pg_namespace n
      WHERE n.nspname <> 'public' AND ${scope.schema('n.oid')} AND ${scope.own('pg_namespace', 'n.oid')}`,
    ...routines(scope),
    ...types(scope),
    ...operators(scope),
    ...textSearch(scope),
    ...others(scope),
  };
  return [
    ...Object.entries(stable).map(([name, sql]) => ({ name, sql, printed: false })),
    { name: 'bodies of SQL functions', sql: parsedBodies(scope, version), printed: true },
  ];
}

const inSchema = (name: string): string => qualified('n.nspname', name);

function from(catalogue: string, alias: string, schemaColumn: string): string {
  return `FROM ${catalogue} ${alias} JOIN pg_namespace n ON n.oid = ${alias}.${schemaColumn}`;
}

function routines(scope: Scope): Record<string, string> {
  const functions = from('pg_proc', 'p', 'pronamespace');
  const where = `WHERE ${scope.schema('n.oid')} AND ${scope.own('pg_proc', 'p.oid')}`;
  const name = inSchema('p.proname');
  const words = `p.prokind, l.lanname, p.provolatile, p.proisstrict, p.prosecdef, p.proleakproof, p.proparallel, p.procost,
    p.prorows, p.prosupport::regproc`;
  const transitions = `a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn,
    a.aggminvtransfn, a.aggmfinalfn, a.aggfinalextra, a.aggmfinalextra, a.aggfinalmodify, a.aggmfinalmodify,
    a.aggsortop::regoper, a.aggtranstype::regtype, a.aggtransspace, a.aggmtranstype::regtype, a.aggmtransspace,
    a.agginitval, a.aggminitval`;
  return {
    functions: `
      SELECT ${line(name, 'pg_get_function_arguments(p.oid)', 'pg_get_function_result(p.oid)', words, 'p.prosrc', 'p.probin', sorted(alike('p.proconfig')), 'p.protrftypes::regtype[]')}
      ${functions} JOIN pg_language l ON l.oid = p.prolang ${where} AND p.prokind <> 'a'`,
    aggregates: `
      SELECT ${line(name, 'pg_get_function_arguments(p.oid)', 'p.proparallel', transitions)}
      ${functions} JOIN pg_aggregate a ON a.aggfnoid = p.oid ${where}`,
  };
}

/** Since PostgreSQL 14 a function's body may be kept parsed. */
function parsedBodies(scope: Scope, version: number): string {
  if (version < 140_000) return `SELECT '' WHERE false`;
  return `
    SELECT ${line(inSchema('p.proname'), 'pg_get_function_identity_arguments(p.oid)', 'pg_get_function_sqlbody(p.oid)')}
    ${from('pg_proc', 'p', 'pronamespace')}
    WHERE p.prosqlbody IS NOT NULL AND ${scope.schema('n.oid')} AND ${scope.own('pg_proc', 'p.oid')}`;
}

function types(scope: Scope): Record<string, string> {
  const where = `WHERE ${scope.schema('n.oid')} AND ${scope.own('pg_type', 't.oid')}`;
  const all = from('pg_type', 't', 'typnamespace');
  const name = inSchema('t.typname');
  const labels = `(SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)`;
  const members = `(SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), a.attcollation::regcollation)
    ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)`;
  const checks = `(SELECT json_agg(json_build_array(k.conname, pg_get_constraintdef(k.oid)) ORDER BY k.conname COLLATE "C")
    FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')`;
  const baseType = `t.typisdefined, t.typlen, t.typbyval, t.typalign, t.typstorage, t.typcategory, t.typispreferred,
    t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typdefault`;
  return {
    enums: `SELECT ${line(name, labels)} ${all} ${where} AND t.typtype = 'e'`,
    domains: `
      SELECT ${line(name, 'format_type(t.typbasetype, t.typtypmod)', 't.typnotnull', 't.typdefault', 't.typcollation::regcollation', checks)}
      ${all} ${where} AND t.typtype = 'd'`,
    'composite types': `
      SELECT ${line(name, members)} ${all} JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c' ${where}`,
    ranges: `
      SELECT ${line(name, 'r.rngsubtype::regtype', 'r.rngcollation::regcollation', 'o.opcname', 'r.rngcanonical', 'r.rngsubdiff')}
      ${all} JOIN pg_range r ON r.rngtypid = t.oid JOIN pg_opclass o ON o.oid = r.rngsubopc ${where}`,
    'base types': `
      SELECT ${line(name, baseType)}
      ${all} ${where} AND t.typtype IN ('b', 'p') AND NOT EXISTS (SELECT FROM pg_type o WHERE o.typarray = t.oid)`,
  };
}

function operators(scope: Scope): Record<string, string> {
  const where = (catalogue: string, oid: string): string =>
    `WHERE ${scope.schema('n.oid')} AND ${scope.own(catalogue, oid)}`;
  const operators = `(SELECT json_agg(json_build_array(m.amopstrategy, m.amopopr::regoperator, m.amoppurpose)
    ORDER BY m.amopstrategy, m.amopopr::regoperator::text COLLATE "C") FROM pg_amop m WHERE m.amopfamily = f.oid)`;
  const functions = `(SELECT json_agg(json_build_array(m.amprocnum, m.amproc::regprocedure)
    ORDER BY m.amprocnum, m.amproc::regprocedure::text COLLATE "C") FROM pg_amproc m WHERE m.amprocfamily = f.oid)`;
  return {
    operators: `
      SELECT ${line('o.oid::regoperator', 'o.oprresult::regtype', 'o.oprcode', 'o.oprcom::regoperator', 'o.oprnegate::regoperator', 'o.oprcanhash', 'o.oprcanmerge', 'o.oprrest', 'o.oprjoin')}
      ${from('pg_operator', 'o', 'oprnamespace')} ${where('pg_operator', 'o.oid')}`,
    'operator classes': `
      SELECT ${line(inSchema('o.opcname'), 'm.amname', 'f.opfname', 'o.opcintype::regtype', 'o.opcdefault', 'o.opckeytype::regtype')}
      ${from('pg_opclass', 'o', 'opcnamespace')} JOIN pg_am m ON m.oid = o.opcmethod JOIN pg_opfamily f ON f.oid = o.opcfamily
      ${where('pg_opclass', 'o.oid')}`,
    'operator families': `
      SELECT ${line(inSchema('f.opfname'), 'a.amname', operators, functions)}
      ${from('pg_opfamily', 'f', 'opfnamespace')} JOIN pg_am a ON a.oid = f.opfmethod ${where('pg_opfamily', 'f.oid')}`,
  };
}

function textSearch(scope: Scope): Record<string, string> {
  const where = (catalogue: string, oid: string): string =>
    `WHERE ${scope.schema('n.oid')} AND ${scope.own(catalogue, oid)}`;
  const mapping = `(SELECT json_agg(json_build_array(m.maptokentype, m.mapseqno, m.mapdict::regdictionary)
    ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = c.oid)`;
  return {
    'text search configurations': `
      SELECT ${line(inSchema('c.cfgname'), 'p.prsname', mapping)}
      ${from('pg_ts_config', 'c', 'cfgnamespace')} JOIN pg_ts_parser p ON p.oid = c.cfgparser ${where('pg_ts_config', 'c.oid')}`,
    'text search dictionaries': `
      SELECT ${line(inSchema('d.dictname'), 't.tmplname', `replace(d.dictinitoption, '"', '')`)}
      ${from('pg_ts_dict', 'd', 'dictnamespace')} JOIN pg_ts_template t ON t.oid = d.dicttemplate ${where('pg_ts_dict', 'd.oid')}`,
    'text search parsers': `
      SELECT ${line(inSchema('p.prsname'), 'p.prsstart', 'p.prstoken', 'p.prsend', 'p.prsheadline', 'p.prslextype')}
      ${from('pg_ts_parser', 'p', 'prsnamespace')} ${where('pg_ts_parser', 'p.oid')}`,
    'text search templates': `
      SELECT ${line(inSchema('t.tmplname'), 't.tmplinit', 't.tmpllexize')}
      ${from('pg_ts_template', 't', 'tmplnamespace')} ${where('pg_ts_template', 't.oid')}`,
  };
}

function others(scope: Scope): Record<string, string> {
  const where = (catalogue: string, oid: string): string =>
    `WHERE ${scope.schema('n.oid')} AND ${scope.own(catalogue, oid)}`;
  return {
    // Locales are spelt and kept in other ways by every second version.
    collations: `
      SELECT ${line(inSchema('c.collname'), 'c.collprovider', 'c.collisdeterministic')}
      ${from('pg_collation', 'c', 'collnamespace')} ${where('pg_collation', 'c.oid')}`,
    conversions: `
      SELECT ${line(inSchema('c.conname'), 'pg_encoding_to_char(c.conforencoding)', 'pg_encoding_to_char(c.contoencoding)', 'c.conproc', 'c.condefault')}
      ${from('pg_conversion', 'c', 'connamespace')} ${where('pg_conversion', 'c.oid')}`,
    statistics: `
      SELECT ${line(inSchema('s.stxname'), 'pg_get_statisticsobjdef(s.oid)')}
      ${from('pg_statistic_ext', 's', 'stxnamespace')} ${where('pg_statistic_ext', 's.oid')}`,
  };
}

/** Settings in one spelling: a restore writes lists with other blanks and quotes. */
function alike(settings: string): string {
  return `(SELECT array_agg(regexp_replace(replace(s, '"', ''), '\\s*,\\s*', ', ', 'g')) FROM unnest(${settings}) s)`;
}
