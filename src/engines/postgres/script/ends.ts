import type { ContentWatch } from '../../../core/ports/engine.ts';

/** The first and the last bytes of a script, by which a dump that was cut between two statements is known. */
export interface ScriptEnds {
  update(chunk: Buffer): void;
  /** False for a script that begins as pg_dump begins one, and does not end like that. */
  isWhole(): boolean;
}

const span = 1024;

/** The comments of pg_dump and pg_dumpall around a script, unchanged since PostgreSQL 7. */
export function createScriptEnds(): ScriptEnds {
  let head: Buffer = Buffer.alloc(0);
  let tail: Buffer = Buffer.alloc(0);
  return {
    update: (chunk) => {
      if (head.length < span) head = Buffer.concat([head, chunk.subarray(0, span - head.length)]);
      tail = chunk.length >= span ? chunk.subarray(-span) : Buffer.concat([tail, chunk]).subarray(-span);
    },
    isWhole: () => {
      const begin = /^\s*--\r?\n-- PostgreSQL database (cluster )?dump\r?\n--/.exec(head.toString('latin1'));
      if (begin === null) return true;
      return tail.toString('latin1').includes(`-- PostgreSQL database ${begin[1] ?? ''}dump complete`);
    },
  };
}

/** Looks at what pg_dump or pg_dumpall writes on its way. */
export function watchScript(): ContentWatch {
  const ends = createScriptEnds();
  let bytes = 0;
  return {
    update: (chunk) => {
      bytes += chunk.length;
      ends.update(Buffer.from(chunk));
    },
    problem: () => {
      if (bytes === 0) return 'it is empty';
      return ends.isWhole() ? undefined : 'it lacks the end that pg_dump writes: it was cut off';
    },
  };
}
