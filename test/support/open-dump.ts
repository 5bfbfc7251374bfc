import type { DatabaseAddress, Dump, DumpRequest, Engine } from '../../src/core/ports/engine.ts';
import type { CallOptions } from '../../src/core/ports/storage.ts';

/** Opens a source and dumps it; disposing the dump disposes both. */
export async function openDump(
  engine: Engine,
  address: DatabaseAddress,
  request: Pick<DumpRequest, 'scratch' | 'facts'> & Partial<DumpRequest> & CallOptions,
): Promise<Dump> {
  const source = await engine.open(address, request);
  try {
    const dump = await source.dump({ onProgress: () => undefined, options: {}, compression: undefined, ...request });
    return {
      ...dump,
      [Symbol.asyncDispose]: async () => {
        await dump[Symbol.asyncDispose]();
        await source[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await source[Symbol.asyncDispose]();
    throw error;
  }
}

/** What an engine says of a database before it reads it. */
export async function probeOf(engine: Engine, address: DatabaseAddress, options: CallOptions) {
  await using source = await engine.open(address, options);
  return source.probe;
}
