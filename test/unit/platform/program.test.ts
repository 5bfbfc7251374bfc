import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { describe, expect, test } from 'vitest';
import {
  describeEnd,
  outputOf,
  startProgram,
  type ProgramRequest,
  type RunningProgram,
} from '../../../src/platform/program.ts';
import { processGone } from '../../support/children.ts';

const env = { PATH: '/usr/bin:/bin' };
const never = new AbortController().signal;

/** Runs a line of shell, which is a real program of every behaviour. */
function shell(line: string, request: Partial<ProgramRequest> = {}): RunningProgram {
  return startProgram({ file: 'sh', args: ['-c', line], env, signal: never, ...request });
}

const failed = (): Error => new Error('it failed');

describe('how a program ended is told', () => {
  test.each([
    ['exit 0', { code: 0, signal: null, stderr: '' }, 'ended with status 0'],
    ['echo one >&2; echo two >&2; exit 3', { code: 3, signal: null, stderr: 'one\ntwo' }, 'ended with status 3: two'],
    ['kill -9 $$', { code: null, signal: 'SIGKILL', stderr: '' }, 'was killed by SIGKILL'],
  ])('%s', async (line, end, words) => {
    const program = shell(line);
    program.child.stdout?.resume();
    expect(await program.ended).toEqual(end);
    expect(describeEnd(await program.ended)).toBe(words);
  });

  test('of one that is not there, by the words of the system', async () => {
    const program = startProgram({ file: '/nowhere/pg_dump', args: [], env, stdin: 'pipe', signal: never });
    program.child.stdin?.write('for nobody');
    expect(await program.ended).toEqual({ code: 127, signal: null, stderr: 'spawn /nowhere/pg_dump ENOENT' });
    await program[Symbol.asyncDispose]();
  });

  test('of one that says much, by the last of it', async () => {
    const pieces: string[] = [];
    const program = shell("head -c 300000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1", {
      onStderr: (piece) => pieces.push(piece),
    });
    program.child.stdout?.resume();
    const { stderr } = await program.ended;
    expect(stderr.length).toBeLessThanOrEqual(64 * 1024);
    expect(stderr.endsWith('xend')).toBe(true);
    expect(pieces.join('')).toHaveLength(300_004);
  });
});

describe('the output of a program', () => {
  test('is whole when it ends well', async () => {
    expect(await text(outputOf(shell('echo one; echo two'), ({ code }) => (code === 0 ? undefined : failed())))).toBe(
      'one\ntwo\n',
    );
  });

  test('fails after its last byte when the program fails', async () => {
    const seen: Buffer[] = [];
    const output = outputOf(shell('echo all of it; exit 1'), ({ code }) => (code === 0 ? undefined : failed()));
    const reading = pipeline(output, async (source: AsyncIterable<Buffer>) => {
      for await (const chunk of source) seen.push(chunk);
    });
    await expect(reading).rejects.toThrow('it failed');
    expect(Buffer.concat(seen).toString()).toBe('all of it\n');
  });

  test('ends the program when nobody wants more of it', async () => {
    const program = shell('while :; do echo more; done');
    for await (const chunk of outputOf(program, failed) as AsyncIterable<Buffer>) {
      expect(chunk.toString()).toMatch(/^more\n/);
      break;
    }
    // By the pipe that nobody reads, or by us: whichever comes first.
    expect((await program.ended).signal).toMatch(/^SIG(PIPE|TERM)$/);
  });
});

describe('its input', () => {
  test('is a text and then its end', async () => {
    expect(await text(outputOf(shell('cat; echo end', { stdin: { text: 'secret\n' } }), () => undefined))).toBe(
      'secret\nend\n',
    );
  });

  test('is nothing where nothing was said', async () => {
    expect(await text(outputOf(shell('cat; echo end'), () => undefined))).toBe('end\n');
  });

  test('may be left unread: the status says whether that was right', async () => {
    const program = shell('exit 0', { stdin: 'pipe' });
    const { stdin } = program.child;
    program.child.stdout?.resume();
    const feeding = stdin === null ? undefined : pipeline(Readable.from([Buffer.alloc(1 << 20)]), stdin);
    await expect(feeding).rejects.toThrow();
    expect((await program.ended).code).toBe(0);
  });
});

test('two programs are joined by a pipe that ends with the first', async () => {
  const second = shell('cat; echo end', { stdin: 'pipe' });
  const { stdin } = second.child;
  if (stdin === null) throw new Error('no input');
  const first = shell('echo from the first; exit 4', { stdout: stdin });
  expect(await text(outputOf(second, () => undefined))).toBe('from the first\nend\n');
  expect((await first.ended).code).toBe(4);
});

test('a program has the environment it is given, and nothing else', async () => {
  const names = await text(
    outputOf(startProgram({ file: '/usr/bin/env', args: [], env: { A: '1' }, signal: never }), () => undefined),
  );
  expect(names).toBe('A=1\n');
});

describe('a program that is not wanted any more is ended', () => {
  const started = async (program: RunningProgram): Promise<number> => {
    if (program.child.stdout === null) throw new Error('no output');
    const [line] = (await once(program.child.stdout, 'data')) as [Buffer];
    return Number(line.toString());
  };

  test('politely by an abort, so that it can clean up', async () => {
    const stop = new AbortController();
    const program = shell("trap 'echo cleaned >&2; exit 5' TERM; echo $$; while :; do sleep 0.05; done", {
      signal: stop.signal,
    });
    await started(program);
    stop.abort();
    // The shell may say of its own child that it was ended too.
    expect(await program.ended).toMatchObject({ code: 5, signal: null, stderr: expect.stringMatching(/cleaned$/) });
  });

  test('by force when it does not listen', async () => {
    const stop = new AbortController();
    const program = shell("trap '' TERM; echo $$; while :; do sleep 0.05; done", { signal: stop.signal });
    const pid = await started(program);
    stop.abort();
    expect((await program.ended).signal).toBe('SIGKILL');
    await processGone(pid);
  });

  test('with what it started', async () => {
    const program = shell('sleep 1000 & echo $!; wait');
    const pid = await started(program);
    await program[Symbol.asyncDispose]();
    await processGone(pid);
  });

  test('although something that left it holds its output', async () => {
    await using program = shell("setsid sh -c 'echo $$; exec sleep 1000' & wait");
    const pid = await started(program);
    try {
      await program[Symbol.asyncDispose]();
      expect((await program.ended).signal).toBe('SIGTERM');
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  test('and is not started at all when that is known before', () => {
    expect(() => shell('exit 0', { signal: AbortSignal.abort(new Error('stopped')) })).toThrow('stopped');
  });

  test('and twice does no harm', async () => {
    const program = shell('echo $$; sleep 1000');
    await started(program);
    await Promise.all([program[Symbol.asyncDispose](), program[Symbol.asyncDispose]()]);
    await program[Symbol.asyncDispose]();
    expect((await program.ended).signal).toBe('SIGTERM');
  });
});
