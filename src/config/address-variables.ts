type Read = (name: string) => string | undefined;

/**
 * The database that the environment names: `DIRECT_URL` before `DATABASE_URL`, because where both are set the latter
 * leads to a pooler; then `DATABASE_HOST`, `_PORT`, `_USER`, `_NAME` and `_PASSWORD`; then libpq's own variables.
 */
export function addressIn(read: Read): string | undefined {
  const url = read('DIRECT_URL') ?? read('DATABASE_URL');
  if (url !== undefined) return url;
  const name = read('DATABASE_NAME');
  if (name !== undefined) return fromPieces(name, read);
  return fromLibpq(read);
}

/** Names what libpq would fill in by itself, because backups are kept under that name. */
function fromLibpq(read: Read): string | undefined {
  const service = read('PGSERVICE');
  if (service !== undefined) return `postgresql://?service=${encodeURIComponent(service)}`;
  const isSet = ['PGDATABASE', 'PGHOST', 'PGHOSTADDR'].some((variable) => read(variable) !== undefined);
  return isSet ? `postgresql:///${encodeURIComponent(read('PGDATABASE') ?? read('PGUSER') ?? '')}` : undefined;
}

function fromPieces(name: string, read: Read): string {
  const [host, port, user, password] = ['HOST', 'PORT', 'USER', 'PASSWORD'].map((piece) => read(`DATABASE_${piece}`));
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`;
  const login = user === undefined && password === undefined ? '' : `${encodeURIComponent(user ?? '')}${secret}@`;
  const place = `${encodeURIComponent(host ?? '')}${port === undefined ? '' : `:${port}`}`;
  return `postgresql://${login}${place}/${encodeURIComponent(name)}`;
}
