import { basename } from 'node:path';
import { DbopsError } from '../../core/errors.ts';
import type { Codecs } from '../../core/ports/codec.ts';
import type { Inspection, PartInfo, PartSource } from '../../core/ports/engine.ts';
import type { CallOptions } from '../../core/ports/storage.ts';
import type { EngineHost } from '../engine-driver.ts';
import { inspectCustom } from './archive/inspect-custom.ts';
import { inspectDirectory } from './archive/inspect-directory.ts';
import { inspectTar } from './archive/inspect-tar.ts';
import { missingMembers } from './archive/missing-members.ts';
import { readContent, readTocOf, type DumpContent } from './restore/dump-content.ts';
import { inspectScript } from './script/inspect.ts';

/** Holds what is in a dump against its own table of contents. */
export async function inspect(
  parts: PartSource,
  depth: Inspection,
  { codecs }: EngineHost,
  options: CallOptions,
): Promise<readonly string[]> {
  let content: DumpContent;
  try {
    content = await readContent(parts, options);
    if (depth === 'contents') return await inspectTable(parts, content, options);
  } catch (error) {
    if (error instanceof DbopsError && error.code === 'DAMAGED') return [error.message];
    throw error;
  }
  return [
    ...(await inspectContent(parts, content, codecs, options)),
    ...(await inspectGlobals(parts, content.globals, options)),
  ];
}

/** Reads the table of contents, and looks whether the files are there that it names. */
async function inspectTable(parts: PartSource, content: DumpContent, options: CallOptions): Promise<readonly string[]> {
  const toc = await readTocOf(parts, content, options);
  if (toc === undefined || content.type !== 'directory') return [];
  return missingMembers(
    toc,
    content.files.map(({ decodedName }) => basename(decodedName)),
  );
}

async function inspectContent(
  parts: PartSource,
  content: DumpContent,
  codecs: Codecs,
  options: CallOptions,
): Promise<readonly string[]> {
  if (content.type === 'directory') return inspectFiles(parts, content.files, codecs, options);
  const stream = await parts.open(content.part.name, options);
  const look = { archive: inspectCustom, tar: inspectTar, script: inspectScript }[content.type];
  return (await look(stream)).problems;
}

async function inspectFiles(
  parts: PartSource,
  files: readonly PartInfo[],
  codecs: Codecs,
  options: CallOptions,
): Promise<readonly string[]> {
  const byName = new Map(files.map((part) => [basename(part.decodedName), part.name]));
  const { problems } = await inspectDirectory({
    names: [...byName.keys()],
    open: (name) => parts.open(byName.get(name) ?? name, options),
    codecs,
  });
  return problems;
}

async function inspectGlobals(
  parts: PartSource,
  globals: PartInfo | undefined,
  options: CallOptions,
): Promise<readonly string[]> {
  if (globals === undefined) return [];
  const { problems } = await inspectScript(await parts.open(globals.name, options));
  return problems.map((problem) => `${globals.name}: ${problem}`);
}
