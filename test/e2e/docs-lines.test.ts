import { describe, expect, test } from 'vitest';
import { commandNames, helpOf } from '../support/help.ts';
import { readProjectFile, type Command } from '../support/markdown.ts';
import { prepareServer } from '../support/postgres/documents.ts';
import { sharedCluster } from '../support/postgres/shared-cluster.ts';
import { addStore } from '../support/s3/documents.ts';
import { prepareFolder, runCommands, type Finished } from '../support/shell.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const cluster = sharedCluster();

describe('every line of from-scripts.md that works ends with 0', () => {
  test.for(linesOf(readProjectFile('docs/from-scripts.md')))('%s', async (line) => {
    expect(await failuresOf([...takenForGranted(line), line])).toEqual([]);
  });
});

describe('every example of --help ends with 0', () => {
  const examples = commandNames().flatMap((name) => examplesOf(helpOf(name)));

  test('there are examples in the help of every command', () => {
    const without = commandNames().filter((name) => examplesOf(helpOf(name)).length === 0);
    // These have only commands below them.
    expect(without.toSorted()).toEqual(['check', 'config', 'key', 'migrate']);
  });

  test.for(examples)('%s', async (line) => {
    expect(await failuresOf([...takenForGranted(line), line])).toEqual([]);
  });
});

/** Lines that a reader of this one has run before it. */
function takenForGranted(line: string): string[] {
  const keys = ['old', 'new'].map((name) => `age-keygen -o ${name}.txt && age-keygen -y ${name}.txt > ${name}.pub`);
  return [
    ...(line.startsWith('dbops migrate') ? migrated(line.includes('_URL') ? '"$DATABASE_URL"' : 'app.db') : []),
    ...(line.startsWith('dbops config check')
      ? ['(mkdir etc && cd etc && dbops init ../app.db)', 'cp etc/dbops.yaml .']
      : []),
    ...(line.endsWith(' offsite') ? ['echo "storages: { offsite: /srv/offsite }" > dbops.yaml'] : []),
    ...(/\.(pub|txt)\b/.test(line) ? [...keys, 'cp old.pub backup.pub'] : []),
    ...(line.startsWith('dbops prune --storage') ? ['dbops copy --to /srv/offsite'] : []),
  ];
}

/** A ledger with two migrations, each with its rollback. */
function migrated(database: string): string[] {
  const files = ['one', 'two'].flatMap((name, index) => {
    const file = `migrations/2026010100000${index}_${name}`;
    return [
      `echo 'CREATE TABLE ${name} (id INTEGER);' > ${file}.sql`,
      `echo 'DROP TABLE ${name};' > ${file}_rollback.sql`,
    ];
  });
  return [
    'mkdir migrations',
    ...files,
    `dbops migrate baseline ${database} --to 0`,
    `dbops migrate up ${database} --backup never`,
  ];
}

/** What did not end with 0 of some lines, run beside `app.db` and one backup of it, tagged as before a deploy. */
async function failuresOf(lines: readonly string[]): Promise<Finished[]> {
  const folder = await temporaryFolder();
  await prepareFolder(folder);
  // Apart, because ids in a line stand for that of the newest backup there is.
  const known = lines.some(needsServer) ? await prepareServer(cluster()) : { standIn: (line: string) => line, env: {} };
  const server = await addStore(known, lines.join('\n'));
  const first = lines.some((line) => /DATABASE_URL|db\.example/.test(line) && !line.startsWith('dbops init'))
    ? 'dbops backup "$DATABASE_URL" --globals --tag release=42'
    : 'dbops backup app.db --tag release=42';
  const made = await runCommands(folder, [commandOf(first)], server);
  const finished = [...made, ...(await runCommands(folder, lines.map(commandOf), server))];
  return finished.filter(({ exitCode }) => exitCode !== 0);
}

function needsServer(line: string): boolean {
  return /_URL|db\.example|^dbops backup$/.test(line);
}

function commandOf(line: string): Command {
  return { line, exitCode: 0, output: undefined };
}

function linesOf(markdown: string): string[] {
  const rows = markdown.split('\n').filter((line) => line.startsWith('|'));
  const found = rows.flatMap((row) => {
    const cell = row.split('|')[3] ?? '';
    return [...cell.matchAll(/`((?:DEBUG=1 )?dbops [^`]*)`/g)].map(([, line = '']) => line);
  });
  return [...new Set(found)];
}

function examplesOf(help: string): string[] {
  const [, examples = ''] = help.split('\nExamples:\n');
  return examples.split('\n').flatMap((line) => {
    const [, command] = /^ {2}(.*?) +# /.exec(line) ?? [];
    return command === undefined ? [] : [command];
  });
}
