import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { DbopsError, hasCode, messageOf } from '../core/errors.ts';
import { keyIn } from '../core/ids.ts';
import type { CallOptions, Storage, StorageRemark } from '../core/ports/storage.ts';
import { collect } from '../streams/collect.ts';
import { measureStream } from '../streams/meter.ts';
import type { Ports } from './ports.ts';

// Above the size from which object stores take a body in pieces.
const largeBytes = 24 << 20;
const noteSkewMs = 60_000;
// From here on object stores refuse requests.
const worstSkewMs = 15 * 60_000;

/**
 * Proves that a storage does what backups need, by doing it in a folder of its own that is removed again. Resolves with
 * one remark for each thing that was tried; what a failure made pointless is left out.
 */
export async function checkStorage(
  storage: Storage,
  ports: Ports,
  options: CallOptions,
): Promise<readonly StorageRemark[]> {
  // No target can have this name.
  const prefix = `_dbops-check/${Buffer.from(ports.random(8)).toString('hex')}`;
  const trial: Trial = { storage, prefix, ports, options };
  const written = await attempt('write', trial, write);
  if (written.level === 'problem') return [written];
  const tried = await tryAll(trial).catch(async (error: unknown) => {
    await clear({ ...trial, options: { signal: new AbortController().signal } });
    throw error;
  });
  const cleared = await attempt('delete', trial, clear);
  const told = await storage.remarks(options).catch((error: unknown) => [failed('set-up', error)]);
  return [written, ...tried, cleared, ...told];
}

async function tryAll(trial: Trial): Promise<readonly StorageRemark[]> {
  const first = await attempt('read', trial, read);
  // What cannot be read back says nothing of the rest.
  if (first.level === 'problem') return [first];
  const remarks = [first];
  for (const { name, run } of trials) remarks.push(await attempt(name, trial, run));
  return remarks;
}

interface Trial {
  readonly storage: Storage;
  readonly prefix: string;
  readonly ports: Ports;
  readonly options: CallOptions;
}

/** What was found, in words; fails with what went wrong. */
type Run = (trial: Trial) => Promise<string | StorageRemark>;

const trials: readonly { readonly name: string; readonly run: Run }[] = [
  { name: 'list', run: list },
  { name: 'clock', run: compareClocks },
  { name: 'replace', run: replace },
  { name: 'conditional write', run: writeIfAbsent },
  { name: 'large object', run: writeLarge },
  { name: 'broken upload', run: breakOff },
];

async function attempt(name: string, trial: Trial, run: Run): Promise<StorageRemark> {
  try {
    const found = await run(trial);
    return typeof found === 'string' ? { name, level: 'fine', text: found } : found;
  } catch (error) {
    trial.options.signal.throwIfAborted();
    return failed(name, error);
  }
}

function failed(name: string, error: unknown): StorageRemark {
  const hint = error instanceof DbopsError ? error.hint : undefined;
  return { name, level: 'problem', text: messageOf(error), ...(hint === undefined ? {} : { hint }) };
}

async function write({ storage, prefix, options }: Trial): Promise<string> {
  await storage.put(keyIn(prefix, 'small'), bodyOf('first'), options);
  return 'an object was written';
}

async function read(trial: Trial): Promise<string> {
  await expectContent(trial, 'first');
  const info = await trial.storage.stat(keyIn(trial.prefix, 'small'), trial.options);
  if (info?.bytes !== 5) throw new Error(`an object of 5 bytes is said to have ${info?.bytes ?? 'none'}`);
  return 'it reads back as it was written';
}

async function list({ storage, prefix, options }: Trial): Promise<string> {
  const keys = await Array.fromAsync(storage.list(prefix, options), ({ key }) => key);
  if (keys.join() === keyIn(prefix, 'small')) return 'it is listed';
  throw new Error(`a listing right after the write shows ${keys.length === 0 ? 'nothing' : keys.join(', ')}`);
}

async function compareClocks({ storage, prefix, ports, options }: Trial): Promise<StorageRemark> {
  const name = 'clock';
  const info = await storage.stat(keyIn(prefix, 'small'), options);
  const skewMs = Math.abs(ports.clock.now().getTime() - (info?.modifiedAt.getTime() ?? 0));
  const text = `the clocks of the storage and of this machine differ by ${Math.round(skewMs / 1_000)} s`;
  if (skewMs < noteSkewMs) return { name, level: 'fine', text };
  const hint = 'Let both take their time from the network (NTP).';
  return { name, level: skewMs < worstSkewMs ? 'note' : 'problem', text, hint };
}

async function replace(trial: Trial): Promise<string> {
  await trial.storage.put(keyIn(trial.prefix, 'small'), bodyOf('second'), trial.options);
  await expectContent(trial, 'second');
  return 'an object can be replaced, as locks need it';
}

async function writeIfAbsent({ storage, prefix, options }: Trial): Promise<string> {
  const key = keyIn(prefix, 'claim');
  const attempts = ['one', 'two', 'three', 'four'].map((text) =>
    storage.put(key, bodyOf(text), { ...options, ifAbsent: true }),
  );
  const outcomes = await Promise.allSettled(attempts);
  const other = outcomes.find((outcome) => outcome.status === 'rejected' && !hasCode(outcome.reason, 'OBJECT_EXISTS'));
  if (other?.status === 'rejected') throw other.reason;
  const winners = outcomes.filter(({ status }) => status === 'fulfilled').length;
  if (winners === 1) return 'of several writers at once exactly one wins';
  throw new DbopsError('STORAGE_FAILED', `${winners} of 4 writers at once were told that they had won`, {
    hint: 'Two runs at once cannot be told apart there: see that backups and prune of one target never overlap.',
  });
}

async function writeLarge({ storage, prefix, options }: Trial): Promise<string> {
  const sent = createHash('sha256');
  const piece = Buffer.alloc(1 << 20, 'dbops');
  const pieces = Array.from({ length: largeBytes / piece.length }, () => piece);
  for (const bytes of pieces) sent.update(bytes);
  const key = keyIn(prefix, 'large');
  await storage.put(key, Readable.from(pieces, { objectMode: false }), { ...options, expectedBytes: largeBytes });
  const { bytes, sha256 } = await measureStream(await storage.get(key, options));
  if (bytes === largeBytes && sha256 === sent.digest('hex'))
    return `${largeBytes >> 20} MiB came back as they were sent`;
  throw new Error(
    `of ${largeBytes} bytes ${bytes} came back, ${bytes === largeBytes ? 'and not the same' : 'no more'}`,
  );
}

/** A run that breaks off must leave nothing to be taken for a backup. */
async function breakOff({ storage, prefix, options }: Trial): Promise<string> {
  const key = keyIn(prefix, 'broken');
  const broken = new Error('broken off for the check');
  async function* give(): AsyncGenerator<Buffer> {
    for (let at = 0; at < largeBytes; at += 1 << 20) yield Buffer.alloc(1 << 20);
    throw broken;
  }
  await storage.put(key, Readable.from(give(), { objectMode: false }), options).then(
    () => Promise.reject(new Error('an upload that broke off was taken for a whole one')),
    (error: unknown) => {
      if (!messageOf(error).includes(broken.message)) throw error;
    },
  );
  if ((await storage.stat(key, options)) !== undefined) throw new Error('an upload that broke off is visible');
  const left = (await Array.fromAsync(storage.unfinished(prefix, options))).length;
  if (left === 0) return 'an upload that breaks off leaves nothing';
  throw new Error(`an upload that broke off left ${left} unfinished ones behind`);
}

async function clear({ storage, prefix, options }: Trial): Promise<string> {
  const keys = await Array.fromAsync(storage.list(prefix, options), ({ key }) => key);
  for (const key of keys) await storage.remove(key, options);
  const left = await Array.fromAsync(storage.list(prefix, options), ({ key }) => key);
  if (left.length === 0) return 'objects can be removed';
  throw new Error(`${left.length} objects are still listed after their removal: ${left.join(', ')}`);
}

async function expectContent({ storage, prefix, options }: Trial, expected: string): Promise<void> {
  const key = keyIn(prefix, 'small');
  const found = (await collect(await storage.get(key, options), 1 << 16, key)).toString();
  if (found !== expected) throw new Error(`${JSON.stringify(expected)} reads back as ${JSON.stringify(found)}`);
}

function bodyOf(text: string): Readable {
  return Readable.from([Buffer.from(text)], { objectMode: false });
}
