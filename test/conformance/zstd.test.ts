import { createZstd } from '../../src/codecs/zstd.ts';
import { codecSuite } from './codec.suite.ts';

const [program, library] = [createZstd(3, '/usr/bin/zstd'), createZstd(3, undefined)];

codecSuite('zstd by its program', { codec: program, other: library, tool: ['zstd', '-d', '-c'] });
codecSuite('zstd by the library', { codec: library, other: program, tool: ['zstd', '-d', '-c'] });
