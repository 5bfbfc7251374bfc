import type { Command } from 'commander';
import type { Host } from './host.ts';
import type { CommandResult, Session } from './session.ts';
import type { World } from './world.ts';

/** How a command is run: flags to a session, its result to stdout, its failure to an exit code. */
export interface Runner {
  readonly version: string;
  run(command: Command, work: (session: Session) => Promise<CommandResult>): Promise<void>;
  /** For commands that need no configuration, such as the one that writes it. */
  print(command: Command, work: (host: Host, loadWorld: () => Promise<World>) => Promise<CommandResult>): Promise<void>;
}
