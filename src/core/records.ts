import { z } from 'zod';
import { DbopsError } from './errors.ts';
import { compactTime } from './ids.ts';
import { verifyLevels, type VerifyLevel } from './levels.ts';
import { seal, unseal } from './sealed-json.ts';

/** What one verification found, kept as a small object beside the backup: manifests are never edited. */
const verificationSchema = z.looseObject({
  formatVersion: z.literal(1),
  level: z.enum(verifyLevels),
  ok: z.boolean(),
  at: z.iso.datetime(),
  durationMs: z.int().min(0),
  host: z.string(),
  problems: z.array(z.string()),
  warnings: z.array(z.string()),
  checks: z.array(
    z.looseObject({
      name: z.string(),
      ok: z.boolean(),
      rows: z.int().min(0),
      /** Why the check could not run; then it says nothing of the backup. */
      error: z.string().optional(),
    }),
  ),
});
export type Verification = Readonly<z.infer<typeof verificationSchema>>;

/** True when the backup is sound and every check ran: a check that could not run must not look like one that passed. */
export function passed({ ok, checks }: Verification): boolean {
  return ok && checks.every((check) => check.ok);
}

/** The same record without what may tell of the content of an encrypted backup. */
export function withoutWords(record: Verification): Verification {
  const count = (texts: readonly string[], what: string): string[] =>
    texts.length === 0 ? [] : [`${texts.length} ${what}, not told because the backup is encrypted`];
  return {
    ...record,
    problems: count(record.problems, 'problems'),
    warnings: count(record.warnings, 'warnings'),
    checks: record.checks.map((check, index) => ({
      ...check,
      name: `check ${index + 1}`,
      ...(check.error === undefined ? {} : { error: 'not told because the backup is encrypted' }),
    })),
  };
}

/** Read off a record's name alone, so that a catalogue of thousands costs a listing and no reads. */
export interface VerificationNote {
  readonly at: Date;
  readonly level: VerifyLevel;
  readonly ok: boolean;
}

const notePattern =
  /^verify\.(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9a-f]{8}\.(checksum|structure|restore)\.(ok|bad)\.json$/;

/** `verify.20261120T020000Z-4f7a2c1e.restore.ok.json` */
export function verificationName(record: Verification, random: Uint8Array): string {
  const suffix = Buffer.from(random.subarray(0, 4)).toString('hex');
  const outcome = record.ok ? 'ok' : 'bad';
  return `verify.${compactTime(new Date(record.at))}-${suffix}.${record.level}.${outcome}.json`;
}

export function parseVerificationName(name: string): VerificationNote | undefined {
  const match = notePattern.exec(name);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, level, outcome] = match;
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(at.getTime())) return undefined;
  return { at, level: level as VerifyLevel, ok: outcome === 'ok' };
}

/** Whether a backup is pinned, when that was changed after the backup was made. */
export const PIN_NAME = 'pin.json';
const pinSchema = z.looseObject({ formatVersion: z.literal(1), pinned: z.boolean(), at: z.iso.datetime() });
export type Pin = Readonly<z.infer<typeof pinSchema>>;

/** True for names of the small files that may stand beside a backup without being in its manifest. */
export function isRecordName(name: string): boolean {
  return name === PIN_NAME || parseVerificationName(name) !== undefined;
}

export function serializeRecord(record: Verification | Pin): Buffer {
  return seal(record);
}

export function parsePin(bytes: Uint8Array, name: string): Pin {
  return parseRecord(pinSchema, bytes, name);
}

/** Reads any record; `verify` uses it to find a changed byte in one. */
export function parseVerification(bytes: Uint8Array, name: string): Verification {
  return parseRecord(verificationSchema, bytes, name);
}

function parseRecord<T>(schema: z.ZodType<T>, bytes: Uint8Array, name: string): T {
  const result = schema.safeParse(unseal(bytes, name));
  if (result.success) return result.data;
  throw new DbopsError('DAMAGED', `${name} is not a valid record`, {
    hint: 'Remove this file; the backup beside it is judged without it.',
  });
}

/**
 * A backup counts as good until a verification fails, and again once one of the same or a higher level succeeds
 * after that.
 */
export function isGood(notes: readonly VerificationNote[]): boolean {
  const inOrder = notes.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  let failedLevel = -1;
  for (const note of inOrder) {
    const level = verifyLevels.indexOf(note.level);
    if (!note.ok) failedLevel = Math.max(failedLevel, level);
    else if (level >= failedLevel) failedLevel = -1;
  }
  return failedLevel === -1;
}
