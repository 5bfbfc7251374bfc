import { once } from 'node:events';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { tee } from '../../../src/streams/tee.ts';
import { bodyOf, bytesOf, failingBody, noise } from '../../support/bodies.ts';

const bytes = noise(9_000_000);
const pieces = Array.from({ length: 90 }, (_, index) => bytes.subarray(index * 100_000, (index + 1) * 100_000));

function branch(branches: readonly Readable[], index: number): Readable {
  const found = branches[index];
  if (found === undefined) throw new Error('no such branch');
  return found;
}

/** Reads one chunk and then no more until it is told to. */
async function hold(stream: Readable): Promise<void> {
  await once(stream, 'readable');
  stream.read(1);
}

describe('tee', () => {
  test.each([1, 2, 3])('%i readers each get every byte', async (count) => {
    const found = await Promise.all(tee(bodyOf(...pieces), count).map(bytesOf));
    expect(found.map((body) => body.equals(bytes))).toEqual(Array.from({ length: count }, () => true));
  });

  test('an empty source ends every reader', async () => {
    expect((await Promise.all(tee(bodyOf(), 2).map(bytesOf))).map(({ length }) => length)).toEqual([0, 0]);
  });

  test('a reader that does not read holds the source up, so that memory stays flat', async () => {
    let given = 0;
    const source = new Readable({
      highWaterMark: 100_000,
      read() {
        const piece = pieces[given];
        given += 1;
        this.push(piece ?? null);
      },
    });
    const branches = tee(source, 2);
    await hold(branch(branches, 1));
    const fast = branch(branches, 0);
    // All that the fast one gets before the source stops: what fits into the buffers.
    await new Promise<void>((resolve) => {
      let taken = 0;
      fast.on('data', (chunk: Buffer) => {
        taken += chunk.length;
        if (taken >= 1_000_000) resolve();
      });
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBeLessThan(40);
    const slow = bytesOf(branch(branches, 1));
    expect((await slow).length).toBe(bytes.length - 1);
  });

  test('a reader that gives up is left out, and the others get every byte', async () => {
    const branches = tee(bodyOf(...pieces), 3);
    await hold(branch(branches, 1));
    const others = [bytesOf(branch(branches, 0)), bytesOf(branch(branches, 2))];
    branch(branches, 1).destroy();
    expect((await Promise.all(others)).map((body) => body.equals(bytes))).toEqual([true, true]);
  });

  test('when every reader has given up, so does the source', async () => {
    const source = bodyOf(...pieces);
    const closed = once(source, 'close');
    for (const stream of tee(source, 2)) stream.destroy();
    await closed;
    expect(source.destroyed).toBe(true);
  });

  test('a source that fails fails every reader with its own error', async () => {
    const branches = tee(failingBody(new Error('source broke'), ...pieces.slice(0, 3)), 2);
    const outcomes = await Promise.allSettled(branches.map(bytesOf));
    expect(outcomes).toMatchObject([
      { status: 'rejected', reason: { message: 'source broke' } },
      { status: 'rejected', reason: { message: 'source broke' } },
    ]);
  });

  test('a source that is destroyed without an error fails every reader instead of leaving it waiting', async () => {
    const source = new Readable({ read: () => undefined });
    source.push(pieces[0]);
    const outcomes = Promise.allSettled(tee(source, 2).map(bytesOf));
    source.destroy();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  });
});
