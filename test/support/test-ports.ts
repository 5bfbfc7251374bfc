import { once } from 'node:events';
import type { Host } from '../../src/cli/host.ts';
import type { AppEvent } from '../../src/core/events.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import type { Ports } from '../../src/operations/ports.ts';
import { createWorld } from '../../src/world.ts';

export interface TestPorts {
  readonly ports: Ports;
  /** Everything the operations reported, in order. */
  readonly events: AppEvent[];
}

export interface PortsOptions {
  readonly temporaryFolder: string;
  /** Where native programs are looked for; without one the library compresses. */
  readonly path?: string;
  readonly clock?: Clock;
}

/** The real adapters, with a reporter that only takes notes. */
export function createTestPorts({ temporaryFolder, path, clock }: PortsOptions): TestPorts {
  const events: AppEvent[] = [];
  const silent = { write: () => undefined, failure: () => Promise.resolve(undefined), terminal: false, columns: 80 };
  const host: Host = {
    argv: [],
    env: path === undefined ? {} : { PATH: path },
    cwd: temporaryFolder,
    hostname: 'test-host',
    temporaryFolder,
    stdout: silent,
    stderr: silent,
    interactive: false,
    ask: () => Promise.reject(new Error('nobody is there to answer')),
    askSecret: () => Promise.reject(new Error('nobody is there to answer')),
    onSignal: () => () => undefined,
    exitNow: () => undefined,
    elapsedMs: () => 0,
  };
  const ports = createWorld('0.0.0-test').createPorts({
    reporter: { report: (event) => void events.push(event) },
    host,
  });
  return { ports: clock === undefined ? ports : { ...ports, clock }, events };
}

/** A clock that stands still at a given time: whoever sleeps by it sleeps until it is aborted. */
export function frozenClock(time: string): Clock {
  return { now: () => new Date(time), sleep: (_, signal) => once(signal, 'abort').then(() => signal.throwIfAborted()) };
}
