import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * Who a process is, in a way that survives the reuse of its number: a pid alone may belong to another program after
 * a reboot, in another container, or simply later.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in the kernel's own unit, `-` where it cannot be read. */
  readonly start: string;
  /** Boot and pid namespace: pids can be compared only inside one of these. */
  readonly scope: string;
  readonly host: string;
}

export type Liveness = 'alive' | 'dead' | 'unknown';

// The kernel gives the first pid namespace of every boot this number; inside it a reboot ends all processes.
const initialNamespace = '4026531836';

let own: ProcessIdentity | undefined;

/** The identity of this very process. */
export function ownIdentity(): ProcessIdentity {
  own ??= { pid: process.pid, start: startOf(process.pid) ?? '-', scope: scope(), host: hostname() };
  return own;
}

/** As a word of letters, digits, dots, dashes and underscores, for the names of what belongs to the process. */
export function formatIdentity({ pid, start, scope, host }: ProcessIdentity): string {
  return [pid, start, scope, Buffer.from(host).toString('hex').slice(0, 100)].join('_');
}

/** Reads what `formatIdentity` gave; undefined for anything else. */
export function parseIdentity(text: string): ProcessIdentity | undefined {
  const [pid, start, scope, host, ...more] = text.split('_');
  if (pid === undefined || start === undefined || scope === undefined || host === undefined || more.length > 0) {
    return undefined;
  }
  return /^\d+$/.test(pid) ? { pid: Number(pid), start, scope, host: Buffer.from(host, 'hex').toString() } : undefined;
}

/** Whether the process is still there; `unknown` when it cannot be seen from here. */
export function livenessOf(identity: ProcessIdentity): Liveness {
  const here = ownIdentity();
  if (identity.scope !== here.scope) return rebooted(identity, here) ? 'dead' : 'unknown';
  if (!signalReaches(identity.pid)) return 'dead';
  const start = startOf(identity.pid);
  if (start === undefined || identity.start === '-') return 'alive';
  return start === identity.start ? 'alive' : 'dead';
}

function rebooted(identity: ProcessIdentity, here: ProcessIdentity): boolean {
  const [theirBoot, theirNamespace] = identity.scope.split('.');
  const [ourBoot, ourNamespace] = here.scope.split('.');
  const sameMachine = identity.host === here.host && theirNamespace === initialNamespace;
  return sameMachine && ourNamespace === initialNamespace && theirBoot !== ourBoot;
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM means that it exists and belongs to someone else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function scope(): string {
  const boot = readOr(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().replaceAll('-', ''));
  const namespace = readOr(() => readlinkSync('/proc/self/ns/pid').replace(/\D/g, ''));
  return `${boot?.slice(0, 12) ?? hostname().replace(/[^A-Za-z0-9]/g, '')}.${namespace ?? '0'}`;
}

// Field 22 of /proc/<pid>/stat (proc(5)); the program's name in field 2 may hold spaces and brackets.
function startOf(pid: number): string | undefined {
  const stat = readOr(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie has ended; only its parent has not asked yet.
  return fields?.[0] === 'Z' ? 'ended' : fields?.[19];
}

function readOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
