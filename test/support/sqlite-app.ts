import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { onTestFinished } from 'vitest';

/** Another process that uses a database, as the application does. */
export interface App {
  readonly pid: number;
  /** Runs JavaScript with the connection as `db`, and gives its value. */
  run<T = unknown>(code: string): Promise<T>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
  /** Closes the connection first. */
  close(): Promise<void>;
}

const program = `
  const Database = require('better-sqlite3');
  const db = new Database(process.argv[1], { timeout: 5000 });
  process.on('message', ({ code }) => {
    try { process.send({ value: (0, eval)('(db) => (' + code + ')')(db) ?? null }); }
    catch (error) { process.send({ error: String(error) }); }
  });
  process.on('disconnect', () => process.exit());
  process.send({ value: 'ready' });`;

/** Starts the process; it is ended when the test has finished. */
export async function startApp(file: string): Promise<App> {
  const child = spawn(process.execPath, ['-e', program, file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await nextReply(child);
  const run = async <T>(code: string): Promise<T> => {
    const reply = nextReply(child);
    child.send({ code });
    return (await reply) as T;
  };
  return {
    pid: child.pid ?? 0,
    run,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    close: async () => {
      await run('db.close()');
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function nextReply(child: ChildProcess): Promise<unknown> {
  const [reply] = (await once(child, 'message')) as [{ value?: unknown; error?: string }];
  if (reply.error !== undefined) throw new Error(reply.error);
  return reply.value;
}
