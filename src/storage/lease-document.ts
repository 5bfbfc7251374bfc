import { Readable } from 'node:stream';
import { z } from 'zod';
import { DbopsError } from '../core/errors.ts';
import type { ObjectKey } from '../core/ids.ts';
import type { Clock, RandomBytes } from '../core/ports/clock.ts';
import { livenessOf, ownIdentity } from '../platform/process-identity.ts';

const leaseSchema = z.looseObject({
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  owner: z.object({ pid: z.int(), start: z.string(), scope: z.string(), host: z.string() }),
  purpose: z.string(),
  since: z.iso.datetime(),
  renewedAt: z.iso.datetime(),
  work: z.array(z.string()),
  /** Released by a holder that left work half made: free to take, together with that list. */
  released: z.boolean().optional(),
});
/** What stands in `lock.json`. */
export type LeaseDocument = z.infer<typeof leaseSchema>;

/** How often a holder says that it still lives. */
export const renewEveryMs = 60_000;
// Fifteen missed renewals. Only counts where the owner's process cannot be seen from here.
const expiresAfterMs = 15 * renewEveryMs;

export function newDocument(purpose: string, clock: Clock, random: RandomBytes): LeaseDocument {
  const now = clock.now().toISOString();
  const nonce = Buffer.from(random(16)).toString('hex');
  return { nonce, owner: { ...ownIdentity() }, purpose, since: now, renewedAt: now, work: [] };
}

/** Undefined for what is no JSON: nobody has finished writing it. */
export function decode(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** Stands for the lock of a holder that ended before its name was in it: its work had not begun. */
export const nobody: LeaseDocument = {
  nonce: '',
  owner: { pid: 0, start: '', scope: '', host: 'an unknown host' },
  purpose: 'run',
  since: new Date(0).toISOString(),
  renewedAt: new Date(0).toISOString(),
  work: [],
  released: true,
};

export function parse(document: unknown, key: ObjectKey): LeaseDocument {
  const result = leaseSchema.safeParse(document);
  if (result.success) return result.data;
  throw new DbopsError('DAMAGED', `the lock ${key} is not readable`, {
    hint: 'Run this again in a minute. If it stays, see that no other dbops runs on this target, and remove that file.',
    cause: result.error,
  });
}

/** Whether the lock is free to take: released, or its owner proven dead, or not renewed for long. */
export function isDead({ owner, renewedAt, released }: LeaseDocument, clock: Clock): boolean {
  if (released === true) return true;
  const liveness = livenessOf(owner);
  if (liveness !== 'unknown') return liveness === 'dead';
  return clock.now().getTime() - Date.parse(renewedAt) > expiresAfterMs;
}

/** The holder, in words. */
export function describe({ owner, purpose, since }: LeaseDocument): string {
  return `a ${purpose} running as process ${owner.pid} on ${owner.host} since ${since}`;
}

export function body(document: LeaseDocument): Readable {
  return Readable.from([Buffer.from(`${JSON.stringify(document, null, 2)}\n`)], { objectMode: false });
}
