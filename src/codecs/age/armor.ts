import { DbopsError } from '../../core/errors.ts';
import { ARMOR_BEGIN, ARMOR_END } from './format.ts';

/**
 * Undoes the form in letters: base64 in lines of 64 between a first and a last line.
 * @throws DbopsError DAMAGED
 */
export async function* withoutArmor(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const state = { begun: false, ended: false, short: false };
  for await (const lines of inLines(source)) {
    const bytes = lines.map((line) => takeLine(line.trimEnd(), state));
    yield Buffer.concat(bytes);
  }
  if (!state.ended) throw damaged('it was cut short: its end is missing');
}

interface State {
  begun: boolean;
  ended: boolean;
  short: boolean;
}

function takeLine(line: string, state: State): Buffer {
  if (!state.begun || state.ended) {
    if (line === ARMOR_BEGIN && !state.ended) state.begun = true;
    else if (line !== '') throw damaged(state.ended ? 'lines were added' : 'its first line is another one');
  } else if (line === ARMOR_END) {
    state.ended = true;
  } else {
    if (state.short || line.length > 64 || line.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(line)) {
      throw damaged('a line was changed');
    }
    state.short = line.length < 64 || line.endsWith('=');
    return Buffer.from(line, 'base64');
  }
  return Buffer.alloc(0);
}

async function* inLines(source: AsyncIterable<Buffer>): AsyncGenerator<readonly string[]> {
  let rest = '';
  for await (const chunk of source) {
    const lines = (rest + chunk.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > 1_000) throw damaged('a line has no end');
    yield lines;
  }
  if (rest !== '') yield [rest];
}

function damaged(what: string): DbopsError {
  return new DbopsError('DAMAGED', `the encrypted file is damaged: ${what}`, {
    hint: 'Use another copy of this file, or another backup: see `dbops list`.',
  });
}
