import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Facts } from '../../src/core/facts.ts';
import type { ByteSource } from '../../src/core/ports/codec.ts';
import type { DatabaseAddress, Dump, Engine, PartSource, Staging, TestBench } from '../../src/core/ports/engine.ts';
import { bodyOf, bytesOf, patient } from './bodies.ts';
import { filesBelow } from './file-tree.ts';
import { openDump } from './open-dump.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface EngineUnderTest {
  readonly engine: Engine;
  /** An address that belongs to the folder alone, and at which nothing stands. */
  place(folder: string): DatabaseAddress;
  /** Everything that stands at an address and beside it, whatever that is: equal when nothing was changed. */
  standing(at: DatabaseAddress, folder: string): Promise<readonly unknown[]>;
  /** The address of what a promotion kept. */
  kept(at: DatabaseAddress, name: string): DatabaseAddress;
  /** Makes a database with a table `users` of three rows. */
  create(at: DatabaseAddress): Promise<void>;
  addUser(at: DatabaseAddress): Promise<void>;
  countUsers(at: DatabaseAddress): Promise<number>;
  /** Spoils it so that it still opens. */
  damage(at: DatabaseAddress): Promise<void>;
  /** The table `users`, as facts call it. */
  readonly users: string;
  /** Where copies are staged that are only examined. */
  readonly bench?: TestBench;
  /** An address leads to a server, which has several databases. */
  readonly servesDatabases: boolean;
  /** Single tables can be restored and exported. */
  readonly piecewise: boolean;
  /** A statement that returns the users, for checks. */
  readonly allUsers: string;
}

const seenNothing = (): void => undefined;

export interface Scene {
  readonly source: DatabaseAddress;
  readonly folder: string;
  readonly scratch: string;
}

export async function setUp({ place, create }: EngineUnderTest): Promise<Scene> {
  const [folder, scratch] = [await temporaryFolder(), await temporaryFolder()];
  const source = place(folder);
  await create(source);
  return { source, folder, scratch };
}

export function dumpOf(
  { engine }: EngineUnderTest,
  { source, scratch }: Scene,
  signal = patient.signal,
): Promise<Dump> {
  return openDump(engine, source, { scratch, facts: 'content', signal, onProgress: seenNothing });
}

/** The parts of a dump as a backup would give them back, with the facts that were recorded. */
export async function backUp(subject: EngineUnderTest, scene: Scene): Promise<{ parts: PartSource; facts: Facts }> {
  await using dump = await dumpOf(subject, scene);
  const parts = await readParts(dump);
  const { facts, problems } = await dump.finish();
  if (facts === undefined) throw new Error(problems.join());
  return { parts, facts };
}

/** Takes all parts of a dump, which lets its programs run to their end. */
export async function readParts({ parts }: Dump): Promise<PartSource> {
  const read: { readonly name: string; readonly bytes: Buffer }[] = [];
  for (const { name, source } of parts) {
    const bytes = source.type === 'file' ? await readFile(source.path) : await bytesOf(streamOf(source));
    read.push({ name, bytes });
  }
  return partSource(read);
}

export function partSource(parts: readonly { readonly name: string; readonly bytes: Buffer }[]): PartSource {
  return {
    parts: parts.map(({ name, bytes }) => ({ name, decodedName: name, bytes: bytes.length })),
    open: async (name) => bodyOf(parts.find((part) => part.name === name)?.bytes ?? Buffer.alloc(0)),
  };
}

export async function stageIn(subject: EngineUnderTest, parts: PartSource, at?: DatabaseAddress): Promise<Staging> {
  return subject.engine.stage(parts, at, {
    scratch: await temporaryFolder(),
    ...(subject.bench === undefined ? {} : { bench: subject.bench }),
    ...patient,
    onProgress: seenNothing,
  });
}

/** Everything that stands in a folder, byte for byte. */
export async function contents(folder: string): Promise<readonly (readonly [string, string])[]> {
  const names = await filesBelow(folder);
  return Promise.all(names.map(async (name) => [name, (await readFile(`${folder}/${name}`)).toString('hex')] as const));
}

function streamOf(source: Exclude<ByteSource, { type: 'file' }>): Readable {
  return source.type === 'program' ? source.program.read() : source.stream;
}
