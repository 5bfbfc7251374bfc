import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commandsOf, fencesOf, readProjectFile, type Command } from '../support/markdown.ts';
import { prepareServer } from '../support/postgres/documents.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { addStore } from '../support/s3/documents.ts';
import { shapeDifferences } from '../support/shape.ts';
import { fits, prepareFolder, runCommands, type Finished } from '../support/shell.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const documents = [
  'README.md',
  'docs/architecture.md',
  'docs/configuration.md',
  'docs/contributing.md',
  'docs/encryption.md',
  'docs/format.md',
  'docs/migrations.md',
  'docs/from-scripts.md',
  'docs/output.md',
  'docs/postgresql.md',
  'docs/s3.md',
];

const cluster = sharedCluster();

/** What a test must not do to the machine it runs on, and what CI does anyway. */
const exempt = new Set([
  'npm ci && npm run demo',
  'npm ci && npm test',
  'npm ci && npm install --global .',
  'npm run check',
  'npm run bench',
  'npm run format',
]);

describe('every command of the documents does and prints what is said', () => {
  test.for(documents)('%s', async (document) => {
    const folder = await temporaryFolder();
    await prepareFolder(folder);
    await mkdir(join(folder, 'tmp'));
    const text = readProjectFile(document);
    const server = await addStore(await prepareServer(cluster()), text);
    // These begin with the first backup; the others take one for granted.
    if (!['README.md', 'docs/postgresql.md'].includes(document))
      await runCommands(folder, [{ line: 'dbops backup app.db', exitCode: 0, output: undefined }]);
    const problems: string[] = [];
    let printed = '';
    for (const fence of fencesOf(text)) {
      if (fence.language === 'json') {
        const different = shapeDifferences(JSON.parse(fence.text), JSON.parse(printed));
        problems.push(...different.map((text) => `line ${fence.line}: ${text}`));
      }
      if (!['sh', 'console', 'crontab'].includes(fence.language)) continue;
      const commands = commandsOf(fence).filter(({ line }) => !exempt.has(line));
      const finished = await runCommands(folder, commands, server);
      printed = finished.at(-1)?.output ?? '';
      problems.push(...differences(commands, finished).map((text) => `line ${fence.line}: ${text}`));
    }
    expect(problems.join('\n')).toBe('');
  });
});

function differences(commands: readonly Command[], finished: readonly Finished[]): string[] {
  return commands.flatMap(({ line, exitCode, output }, index) => {
    const found = finished[index];
    if (found?.exitCode !== exitCode) return [`${line}\nends with ${found?.exitCode}, and prints\n${found?.output}`];
    if (output === undefined || fits(output, found.output)) return [];
    return [`${line}\nprints\n${found.output}\ninstead of\n${output.join('\n')}`];
  });
}
