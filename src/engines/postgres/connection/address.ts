import { DbopsError } from '../../../core/errors.ts';

/** Connection parameters by libpq's own keywords (PostgreSQL manual, "Parameter Key Words"); never a password. */
export type Parameters = Readonly<Record<string, string>>;

export interface ParsedAddress {
  readonly parameters: Parameters;
  readonly password: string | undefined;
}

const keywords = new Set(
  [
    ['host', 'hostaddr', 'port', 'dbname', 'user', 'passfile', 'service', 'options', 'application_name'],
    ['connect_timeout', 'keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count'],
    ['tcp_user_timeout', 'gssencmode', 'sslmode', 'sslcompression', 'sslcert', 'sslkey', 'sslcertmode'],
    ['sslrootcert', 'sslcrl', 'sslcrldir', 'sslsni', 'sslnegotiation', 'ssl_min_protocol_version'],
    ['ssl_max_protocol_version', 'min_protocol_version', 'max_protocol_version', 'requirepeer', 'require_auth'],
    ['channel_binding', 'krbsrvname', 'gsslib', 'gssdelegation', 'target_session_attrs', 'load_balance_hosts'],
  ].flat(),
);

// Settings of application libraries that stand in the same addresses and mean nothing to libpq.
const foreign = new Set(
  [
    ['schema', 'connection_limit', 'pool_timeout', 'pgbouncer', 'statement_cache_size', 'socket_timeout'],
    ['sslaccept', 'sslidentity', 'prepared_statements', 'prepare_threshold', 'pool_size', 'max_connections'],
    ['client_encoding', 'fallback_application_name', 'uselibpqcompat', 'supa', 'workaround'],
  ].flat(),
);

/** Whether an address is of the form that this engine reads: a URI, or libpq's keywords and values. */
export function isPostgresAddress(text: string): boolean {
  const [, keyword = ''] = /^\s*([a-z_]+)\s*=/.exec(text) ?? [];
  return isUri(text) || keyword === 'password' || keywords.has(keyword);
}

function isUri(text: string): boolean {
  return /^\s*postgres(ql)?:/i.test(text);
}

/**
 * Reads `postgresql://user:password@host:port/name?keyword=value`, with several hosts and sockets as libpq allows them,
 * or `keyword=value …`.
 * @throws DbopsError USAGE
 */
export function parseAddress(text: string): ParsedAddress {
  const entries = isUri(text) ? readUri(text) : readPairs(text);
  const parameters: Record<string, string> = {};
  let password: string | undefined;
  for (const [keyword, value] of entries) {
    if (!value.isWellFormed() || /[\0\r\n]/.test(value)) throw malformed('it holds a character that no setting can');
    if (keyword === 'password') password = value;
    else if (keywords.has(keyword)) parameters[keyword] = value;
    else if (!foreign.has(keyword)) throw unknownSetting(keyword, text, password);
  }
  return { parameters, password };
}

// What looks like a setting may be the rest of a password that nobody encoded or put into quotes.
function unknownSetting(keyword: string, text: string, password: string | undefined): DbopsError {
  const isSafe = isUri(text) ? !/\?[^]*@/.test(text) : password === undefined;
  return malformed(isSafe ? `it has an unknown setting ${JSON.stringify(keyword)}` : 'it has an unknown setting');
}

// The last @ before the path parts the login off: people forget to encode an @ in a password.
const uri = /^postgres(?:ql)?:(?:\/\/(?:([^/?]*)@)?([^/?]*))?(?:\/([^?]*))?(?:\?(.*))?$/is;

function readUri(text: string): [string, string][] {
  const match = uri.exec(text.trim());
  if (match === null) throw malformed('it is no address such as postgresql://user@host:5432/name');
  const [, login, hosts = '', name = '', query = ''] = match;
  // Else a piece of a password with a / in it would be a name, and shown.
  if (name.includes('@')) throw malformed('an @ stands behind its first /');
  return [...readLogin(login), ...readHosts(hosts), ...pair('dbname', name), ...readQuery(query)];
}

function readLogin(login: string | undefined): [string, string][] {
  if (login === undefined) return [];
  const colon = login.indexOf(':');
  if (colon < 0) return pair('user', login);
  return [...pair('user', login.slice(0, colon)), ...pair('password', login.slice(colon + 1))];
}

function readHosts(hosts: string): [string, string][] {
  if (hosts === '') return [];
  const places = hosts.split(',').map((place) => {
    const [, inBrackets, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(place) ?? [];
    const host = inBrackets ?? plain;
    if (host === undefined) throw malformed('a host in it is not of the form name:port');
    return { host: decode(host), port };
  });
  const ports = places.map(({ port }) => port);
  return [
    ...(places.some(({ host }) => host !== '')
      ? [['host', places.map(({ host }) => host).join(',')] as [string, string]]
      : []),
    ...(ports.some((port) => port !== '') ? [['port', ports.join(',')] as [string, string]] : []),
  ];
}

function readQuery(query: string): [string, string][] {
  return query
    .split('&')
    .filter((piece) => piece !== '')
    .map((piece) => {
      const equals = piece.indexOf('=');
      if (equals < 1) throw malformed('its settings after the ? are not of the form name=value');
      const keyword = decode(piece.slice(0, equals));
      const value = decode(piece.slice(equals + 1));
      // The way in which the drivers of other languages say it.
      return keyword === 'ssl' && value === 'true' ? ['sslmode', 'require'] : [keyword, value];
    });
}

function pair(keyword: string, encoded: string): [string, string][] {
  return encoded === '' ? [] : [[keyword, decode(encoded)]];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // A % that stands for itself.
    return text;
  }
}

/** `keyword = value`, where a value with spaces stands in single quotes and a backslash takes the next character as it is. */
function readPairs(text: string): [string, string][] {
  const entries: [string, string][] = [];
  const pattern = /\s*([a-z_]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|(?!')((?:[^\s\\]|\\.)*))(?=\s|$)/gsy;
  const trimmed = text.trim();
  while (pattern.lastIndex < trimmed.length) {
    const [, keyword, quoted, plain = ''] = pattern.exec(trimmed) ?? [];
    if (keyword === undefined) throw malformed('it is not of the form keyword=value keyword=value');
    entries.push([keyword, (quoted ?? plain).replace(/\\(.)/gs, '$1')]);
  }
  return entries;
}

// Without the address itself: a password may stand anywhere in one that is malformed.
function malformed(reason: string): DbopsError {
  return new DbopsError('USAGE', `the database's address cannot be read: ${reason}`, {
    hint: 'Write postgresql://user@host:5432/name, with %40 for an @ and %2F for a / in a name or password; better keep the password in PGPASSWORD or ~/.pgpass.',
  });
}

/** The address for people and for records: a URI that gives the same parameters again. */
export function formatAddress(parameters: Parameters): string {
  const { user, dbname, host, port, ...rest } = parameters;
  const inAuthority = fitsAuthority(host, port);
  const places = inAuthority ? formatHosts(host, port) : '';
  const settings = Object.entries({
    ...(inAuthority ? {} : { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port }) }),
    ...rest,
  });
  const query = settings
    .map(([keyword, value]) => `${keyword}=${encodeURIComponent(value).replaceAll('%2F', '/')}`)
    .join('&');
  const login = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  return `postgresql://${login}${places}/${encodeURIComponent(dbname ?? '')}${query === '' ? '' : `?${query}`}`;
}

/** Folders of sockets do not, nor do ports that are not one for each host. */
function fitsAuthority(host: string | undefined, port: string | undefined): boolean {
  if (host === '' || /[/@]/.test(host ?? '')) return false;
  const hosts = (host ?? '').split(',');
  return port === undefined || (/^[\d,]*\d[\d,]*$/.test(port) && port.split(',').length === hosts.length);
}

function formatHosts(host: string | undefined, port: string | undefined): string {
  const ports = port?.split(',') ?? [];
  return (host ?? '')
    .split(',')
    .map((name, index) => {
      const encoded = encodeURIComponent(name);
      const own = ports[index] ?? '';
      return `${name.includes(':') ? `[${encoded.replaceAll('%3A', ':')}]` : encoded}${own === '' ? '' : `:${own}`}`;
    })
    .join(',');
}

/** The parameters as one word for the `--dbname` of PostgreSQL's programs, where no name in it can be more than a name. */
export function connectionString(parameters: Parameters): string {
  return Object.entries(parameters)
    .map(([keyword, value]) => `${keyword}='${value.replace(/[\\']/g, String.raw`\$&`)}'`)
    .join(' ');
}
