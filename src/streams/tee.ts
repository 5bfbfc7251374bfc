import { PassThrough, type Readable } from 'node:stream';

/**
 * Gives every byte of a source to each of `count` streams, as fast as the slowest of them reads. A stream that is
 * destroyed is left out from then on; when none is left, so is the source. A source that fails fails all of them.
 */
export function tee(source: Readable, count: number): readonly Readable[] {
  if (count === 1) return [source];
  const branches = Array.from({ length: count }, () => new PassThrough({ highWaterMark: 1 << 20 }));
  const isLive = (branch: PassThrough): boolean => !branch.destroyed;
  const resumeWhenDrained = (): void => {
    if (branches.every((branch) => !isLive(branch) || !branch.writableNeedDrain)) source.resume();
  };
  for (const branch of branches) {
    branch.on('drain', resumeWhenDrained);
    // Whoever reads gets the error; a reader that has failed already reads no more, and then it must not end the process.
    branch.on('error', () => undefined);
    branch.once('close', () => {
      if (branches.some(isLive)) resumeWhenDrained();
      else source.destroy();
    });
  }
  source.on('data', (chunk: Buffer) => {
    const isFull = branches.filter(isLive).map((branch) => !branch.write(chunk));
    if (isFull.includes(true)) source.pause();
  });
  source.once('end', () => branches.forEach((branch) => branch.end()));
  source.once('error', (error) => branches.forEach((branch) => branch.destroy(error)));
  source.once('close', () => {
    if (!source.readableEnded) branches.forEach((branch) => branch.destroy(new Error('the source ended too early')));
  });
  return branches;
}
