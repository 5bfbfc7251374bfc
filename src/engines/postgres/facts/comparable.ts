import type { Facts } from '../../../core/facts.ts';
import type { Comparable } from '../../../core/ports/engine.ts';

/**
 * How digests of definitions are made. To be raised with every change of a query or of the way that lines become a
 * digest: backups that an older dbops made would be called unsound otherwise.
 */
export const definitionMethod = 1;
export const definitionMethodName = 'method of definition digests';
export const contentMethod = 'method of content digests';

/** What is known of a restored copy. */
export interface Copy {
  /** `server_version_num` of its server. */
  readonly version: number;
  /** Definitions are missing that refer to what the dump does not hold. */
  readonly dangling: boolean;
}

/**
 * What of recorded facts compares with those that were found by this dbops in a copy: without the texts that another major version prints in its own way, without definitions whose
 * digests were made by another method, and without contents that a machine of the other byte order hashed.
 */
export function comparableOn(recorded: Facts, found: Facts, { version, dangling }: Copy): Comparable {
  const sameMethod = recorded.properties[definitionMethodName] === found.properties[definitionMethodName];
  const sameDefinitions = sameMethod && !dangling;
  const method = recorded.properties[contentMethod];
  const sameContents = method === undefined || method === found.properties[contentMethod];
  const { schema, ...others } = recorded;
  const kept = Object.entries(recorded.properties).filter(([name]) => {
    const major = printed.exec(name)?.[1];
    if (name === contentMethod || name === 'large objects') return sameContents;
    if (name === definitionMethodName || name.startsWith('definitions of ')) return sameDefinitions;
    return major === undefined || (sameDefinitions && Number(major) === Math.floor(version / 10_000));
  });
  return {
    facts: {
      ...others,
      ...(sameDefinitions ? { schema } : {}),
      tables: sameContents ? recorded.tables : recorded.tables.map(({ name, rows }) => ({ name, rows })),
      properties: Object.fromEntries(kept),
    },
    warnings: [
      ...(sameMethod ? [] : ['the definitions were not compared: another version of dbops recorded them']),
      ...(sameContents ? [] : ['the contents were counted, not compared: another kind of machine recorded them']),
    ],
  };
}

const printed = / as PostgreSQL (\d+) prints them$/;
