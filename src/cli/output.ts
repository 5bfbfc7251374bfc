import { hasCode } from '../core/errors.ts';

/** A stream of the process, as the command line writes to it. */
export interface Output {
  readonly write: (text: string) => void;
  /** Waits until all is written, and tells why some of it is not; a reader that went away is no reason. */
  readonly failure: () => Promise<Error | undefined>;
  readonly terminal: boolean;
  readonly columns: number;
}

/** Whoever reads the output may go away and its disk may be full: neither may end a run in the middle of its work. */
export function outputOf(stream: NodeJS.WriteStream): Output {
  let last = Promise.resolve();
  let failed: Error | undefined;
  // Each write is told of its own error; without a listener the same error would end the process.
  stream.on('error', () => undefined);
  const write = (text: string): void => {
    last = new Promise((resolve) => {
      stream.write(text, (error) => {
        // `dbops list | head` closes the pipe early; that is no failure of ours.
        if (error instanceof Error && !hasCode(error, 'EPIPE')) failed ??= error;
        resolve();
      });
    });
  };
  return {
    write,
    failure: async () => {
      await last;
      return failed;
    },
    terminal: stream.isTTY,
    columns: stream.columns || 80,
  };
}
