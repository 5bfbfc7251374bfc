import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createCodecs } from '../../../src/codecs/codecs.ts';
import type { Codec } from '../../../src/core/ports/codec.ts';
import { bodyOf, bytesOf, noise, patient, stuckBody } from '../../support/bodies.ts';
import { childrenGone, processGone } from '../../support/children.ts';

const native = createCodecs('/usr/bin:/bin');
const fakes = (name: string): string => fileURLToPath(new URL(`../../../fixtures/bin/${name}`, import.meta.url));

function codecOf(name: string, format: string): Codec {
  const codec = createCodecs(fakes(name)).parse(format);
  if (codec === undefined) throw new Error(`no codec ${format}`);
  return codec;
}

const formats = ['zstd', 'gzip'] as const;
const endings = [
  ['fails-late', /exit code 3.*the very last step failed/s],
  ['killed-late', /SIGKILL/],
  ['fails-at-once', /exit code 1.*not today/s],
] as const;
const table = formats.flatMap((format) => endings.map(([fake, message]) => [format, fake, message] as const));

describe('a program that breaks', () => {
  test.each(table)('A5: %s that %s makes the encoding of a stream fail', async (format, fake, message) => {
    const encode = codecOf(fake, format).encode({ type: 'stream', stream: bodyOf(noise(400_000)) }, patient);
    await expect(encode.then(bytesOf)).rejects.toThrow(message);
    await childrenGone();
  });

  test.each(table)('A5: %s that %s makes the encoding of a file fail', async (format, fake, message) => {
    const source = { type: 'file', path: fileURLToPath(import.meta.url), bytes: 1 } as const;
    await expect(codecOf(fake, format).encode(source, patient).then(bytesOf)).rejects.toThrow(message);
  });

  test.each(table)(
    'A6: %s that %s makes the decoding fail, however well its bytes look',
    async (format, fake, message) => {
      const good = native.parse(format)?.encode({ type: 'stream', stream: bodyOf(noise(400_000)) }, patient);
      const bytes = await bytesOf((await good) ?? bodyOf());
      await expect(codecOf(fake, format).decode(bodyOf(bytes), patient).then(bytesOf)).rejects.toThrow(message);
      await childrenGone();
    },
  );

  test.each(formats.flatMap((format) => [[format, 'stalls'] as const, [format, 'stubborn'] as const]))(
    'A2: an abort ends %s that %s, by its process number',
    async (format, fake) => {
      const stop = new AbortController();
      const source = stuckBody(noise(1_000), () => undefined);
      const stream = await codecOf(fake, format).encode({ type: 'stream', stream: source }, { signal: stop.signal });
      const pid = await new Promise<number>((resolve) => {
        stream.once('data', (chunk: Buffer) => resolve(Number(chunk.toString())));
      });
      const failed = new Promise<Error>((resolve) => stream.once('error', resolve));
      stop.abort(new Error('stopped by hand'));
      expect(await failed).toBeInstanceOf(Error);
      await processGone(pid);
    },
  );
});

describe('choosing a codec', () => {
  test.each([
    ['zstd', 'zstd', 3, '.zst'],
    ['zstd:1', 'zstd', 1, '.zst'],
    ['zstd:19', 'zstd', 19, '.zst'],
    ['gzip', 'gzip', 6, '.gz'],
    ['gzip:9', 'gzip', 9, '.gz'],
  ])('%s means %s at level %d with suffix %s', (text, id, level, suffix) => {
    expect(native.parse(text)).toMatchObject({ id, suffix, settings: { level } });
  });

  test.each([
    '',
    'none',
    'zstd:',
    'zstd:0',
    'zstd:20',
    'zstd:-1',
    'gzip:0',
    'gzip:10',
    'gzip:1.5',
    'xz',
    'ZSTD',
    ' zstd',
    'zstd\n',
  ])('%j is no codec', (text) => {
    expect(native.parse(text)).toBeUndefined();
  });

  test('a manifest names a codec by its id, and knows no others', () => {
    expect(native.byId('zstd')?.id).toBe('zstd');
    expect(native.byId('gzip')?.id).toBe('gzip');
    expect(native.byId('age')?.id).toBe('age');
    for (const id of ['', 'none', 'constructor', 'zstd:3']) expect(native.byId(id)).toBeUndefined();
  });

  test.each(formats)('%s is recognised by the first bytes of what it wrote', async (format) => {
    const codec = native.parse(format);
    const bytes = await bytesOf((await codec?.encode({ type: 'stream', stream: bodyOf('x') }, patient)) ?? bodyOf());
    expect(native.recognise(bytes)?.id).toBe(format);
    expect(native.recognise(bytes.subarray(0, 4))?.id).toBe(format);
  });

  test.each([[''], ['(\xb5\x2f'], ['SQLite format 3\0'], ['PK\x03\x04']])('%j is recognised as nothing', (head) => {
    expect(native.recognise(Buffer.from(head, 'latin1'))).toBeUndefined();
  });

  test('K10: a program is looked for in absolute folders of PATH only', async () => {
    const relative = createCodecs('fixtures/bin/fails-late:.:').parse('zstd');
    const bytes = await bytesOf((await relative?.encode({ type: 'stream', stream: bodyOf('x') }, patient)) ?? bodyOf());
    expect(native.recognise(bytes)?.id).toBe('zstd');
  });
});
