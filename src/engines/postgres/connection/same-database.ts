import type { EngineHost } from '../../engine-driver.ts';
import { parseAddress, type Parameters } from './address.ts';

/**
 * Whether two addresses lead to one database, whoever logs in: by host, port and name, with libpq's variables and
 * defaults. The same machine under several names of the network is not found out; this machine is, by whatever way.
 */
export function isSameDatabase(one: string, other: string, environment: EngineHost['environment']): boolean {
  const [a, b] = [placeOf(one, environment), placeOf(other, environment)];
  if (a.service !== b.service || a.name !== b.name) return false;
  return a.servers.some((server) => b.servers.some((candidate) => isSameServer(server, candidate)));
}

interface ServerPlace {
  readonly host: string;
  readonly port: string;
}

interface Place {
  readonly service: string | undefined;
  readonly name: string;
  readonly servers: readonly ServerPlace[];
}

function placeOf(location: string, environment: EngineHost['environment']): Place {
  const { parameters } = parseAddress(location);
  const service = parameters['service'] ?? environment['PGSERVICE'];
  const said = (keyword: string, variable: string): string => parameters[keyword] ?? environment[variable] ?? '';
  const user = said('user', 'PGUSER') || (environment['USER'] ?? '');
  return { service, name: said('dbname', 'PGDATABASE') || user, servers: serversOf(parameters, said) };
}

function serversOf(parameters: Parameters, said: (keyword: string, variable: string) => string): ServerPlace[] {
  const hosts = (parameters['host'] ?? (said('hostaddr', 'PGHOSTADDR') || said('host', 'PGHOST'))).split(',');
  const ports = said('port', 'PGPORT').split(',');
  return hosts.map((host, at) => ({ host: hostOf(host), port: (ports[at] ?? ports[0]) || '5432' }));
}

const here = 'localhost';

function hostOf(host: string): string {
  const plain = host.toLowerCase().replace(/\.$/, '');
  return plain === '' || plain === '::1' || plain.startsWith('127.') || plain === here
    ? here
    : plain.startsWith('/')
      ? host.replace(/\/+$/, '')
      : plain;
}

/** Two servers on this machine cannot have one port of the network, but each its own folder for sockets. */
function isSameServer(one: ServerPlace, other: ServerPlace): boolean {
  if (one.port !== other.port) return false;
  if (one.host === other.host) return true;
  const isSocket = ({ host }: ServerPlace): boolean => host.startsWith('/') || host.startsWith('@');
  return (isSocket(one) && other.host === here) || (isSocket(other) && one.host === here);
}
