import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Facts } from '../../src/core/facts.ts';
import type { OutputProgram } from '../../src/core/ports/codec.ts';
import type {
  DestinationState,
  DumpPart,
  Engine,
  Examination,
  Inspection,
  PartSource,
  Promotion,
} from '../../src/core/ports/engine.ts';
import { bytesOf, patient } from './bodies.ts';

export const someFacts: Facts = {
  schema: 'a'.repeat(64),
  tables: [{ name: 'users', rows: 2 }],
  properties: {},
};

export interface FakeEngineOptions {
  readonly parts?: readonly DumpPart[];
  readonly inspection?: Inspection;
  readonly finish?: () => Promise<void>;
  /** What looking at stored parts finds. */
  readonly problems?: readonly string[];
  readonly destination?: Partial<DestinationState>;
  /** What looking at a restored copy finds; for the throw-away one and for the one beside the destination. */
  readonly examination?: (place: 'apart' | 'beside') => Partial<Examination>;
  readonly promotion?: Partial<Promotion>;
}

export interface FakeEngine {
  readonly engine: Engine;
  /** What was asked of it, in order. */
  readonly calls: readonly string[];
  /** The requests of those calls. */
  readonly requests: readonly unknown[];
}

/** An engine whose databases are what the test says: for what operations make of an engine's answers. */
export function fakeEngine(options: FakeEngineOptions = {}): FakeEngine {
  const calls: string[] = [];
  const requests: unknown[] = [];
  const note = (call: string, request: unknown): void => {
    calls.push(call);
    requests.push(request);
  };
  const planned = (): never => {
    throw new Error('not asked for');
  };
  const engine: Engine = {
    name: 'fake',
    databases: planned,
    open: async () => ({
      probe: { database: 'fake:app', serverVersion: '1', bytes: 10, scratchBytes: 0, settings: {}, warnings: [] },
      dump: async (request) => {
        note('dump', request);
        return {
          tools: {},
          parts: options.parts ?? [],
          inspection: options.inspection ?? 'contents',
          finish: async () => {
            await options.finish?.();
            return { facts: someFacts, problems: [], warnings: [], checks: [] };
          },
          [Symbol.asyncDispose]: async () => note('end dump', undefined),
        };
      },
      [Symbol.asyncDispose]: async () => undefined,
    }),
    inspect: async (parts, depth) => {
      note(`inspect ${depth}`, await contentsOf(parts));
      return options.problems ?? [];
    },
    refuseIncomplete: async () => undefined,
    survey: async () => ({
      exists: false,
      bytes: 0,
      users: [],
      freeBytes: undefined,
      scratchParent: undefined,
      stagedAs: 'a place',
      keptAs: (stamp) => `app_${stamp}`,
      ...options.destination,
    }),
    stage: async (_parts, destination, request) => {
      const place = destination === undefined ? 'apart' : 'beside';
      note(`stage ${place}`, request);
      return {
        examine: async (examination) => {
          note(`examine ${place}`, examination);
          const found: Examination = { facts: someFacts, problems: [], warnings: [], checks: [] };
          return { ...found, ...options.examination?.(place) };
        },
        promote: async (promotion) => {
          note('promote', promotion);
          return { kept: undefined, undo: undefined, drop: undefined, warnings: [], ...options.promotion };
        },
        [Symbol.asyncDispose]: async () => note(`remove ${place}`, undefined),
      };
    },
    restoreTables: planned,
    exportTables: planned,
    unknownTables: planned,
  };
  return { engine, calls, requests };
}

async function contentsOf(source: PartSource): Promise<Record<string, string>> {
  const read = source.parts.map(async ({ name }) => [name, String(await bytesOf(await source.open(name, patient)))]);
  return Object.fromEntries(await Promise.all(read)) as Record<string, string>;
}

/** A program that writes a text, and then fails if it is told to. */
export function fakeProgram(text: string, failure?: Error): OutputProgram {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from(text);
    if (failure !== undefined) throw failure;
  };
  return {
    read: () => Readable.from(pieces(), { objectMode: false }),
    pipeInto: async (input: Writable) => {
      await pipeline(Readable.from([text]), input);
      if (failure !== undefined) throw failure;
    },
  };
}
