import { createAge } from '../../src/codecs/age/age.ts';
import { keyringFor, publicKey } from '../support/age-keys.ts';
import { codecSuite } from './codec.suite.ts';

const key = publicKey;
const [program, library] = [
  createAge(keyringFor(key), { file: '/usr/bin/age', path: undefined }),
  createAge(keyringFor(key), undefined),
];
const tool = ['age', '-d', '-i', key.file] as const;

codecSuite('age by its program', { codec: program, other: library, tool });
codecSuite('age by the library', { codec: library, other: program, tool });
