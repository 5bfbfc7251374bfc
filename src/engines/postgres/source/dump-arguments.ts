import { refuseContradictions, type DumpFormat, type DumpOptions } from '../../../core/dump-options.ts';
import type { Compression } from '../../../core/ports/engine.ts';

/** How one dump is made, decided before anything is started. */
export interface DumpPlan {
  readonly format: DumpFormat;
  /** pg_dump compresses itself: what it writes is stored as it is. */
  readonly compressed: boolean;
  readonly args: readonly string[];
}

// The first version whose pg_dump knows zstd.
const zstdMajor = 16;
/** Rows as text shrink hardly more at higher levels, and level 1 already makes them smaller than gzip does. */
export const levels = { zstd: 1 } as const;

/**
 * Decides how to run pg_dump. It compresses by itself where it does that well: with zstd, and with gzip into the formats
 * of its own.
 * @throws DbopsError USAGE for options that exclude each other
 */
export function planDump(options: DumpOptions, compression: Compression | undefined, clientMajor: number): DumpPlan {
  refuseContradictions(options);
  const format = options.format ?? 'custom';
  const inside = format === 'plain' ? undefined : compressInside(compression, clientMajor);
  return {
    format,
    compressed: inside !== undefined,
    args: [
      `--format=${format}`,
      // The plain format has no compression of its own to be switched off.
      ...(format === 'plain' ? [] : [`--compress=${inside ?? '0'}`]),
      ...(options.jobs === undefined ? [] : [`--jobs=${options.jobs}`]),
      ...switches(options),
      ...patterns(options),
    ],
  };
}

function compressInside(compression: Compression | undefined, clientMajor: number): string | undefined {
  if (compression?.id === 'zstd' && clientMajor >= zstdMajor) return `zstd:${compression.level ?? levels.zstd}`;
  if (compression?.id === 'gzip') return String(compression.level ?? 6);
  return undefined;
}

function switches(options: DumpOptions): string[] {
  return [
    ...(options.schemaOnly === true ? ['--schema-only'] : []),
    ...(options.dataOnly === true ? ['--data-only'] : []),
    ...(options.owner === false ? ['--no-owner'] : []),
    ...(options.acl === false ? ['--no-privileges'] : []),
    ...(options.blobs === false ? ['--no-blobs'] : []),
  ];
}

function patterns(options: DumpOptions): string[] {
  const flags = {
    table: options.tables,
    'exclude-table': options.excludeTables,
    'exclude-table-data': options.excludeTableData,
    schema: options.schemas,
    'exclude-schema': options.excludeSchemas,
  };
  return Object.entries(flags).flatMap(([flag, list = []]) => list.map((pattern) => `--${flag}=${pattern}`));
}
