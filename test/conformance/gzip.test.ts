import { createGzip } from '../../src/codecs/gzip.ts';
import { codecSuite } from './codec.suite.ts';

const [program, library] = [createGzip(6, '/usr/bin/gzip'), createGzip(6, undefined)];

codecSuite('gzip by its program', { codec: program, other: library, tool: ['gzip', '-d', '-c'] });
codecSuite('gzip by the library', { codec: library, other: program, tool: ['gzip', '-d', '-c'] });
