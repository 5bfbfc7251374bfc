import type { MigrationName } from './folder.ts';
import type { Ledger, LedgerEvent } from './ledger.ts';
import type { MigrationScript } from './script.ts';
import { upStep, type Refusal, type StepPlan } from './step.ts';

/** A migration of the folder with what its files hold. */
export interface Migration extends MigrationName {
  readonly up: MigrationScript;
  readonly rollback: MigrationScript | undefined;
}

export type MigrationState =
  | 'applied'
  | 'pending'
  /** Not applied, and older than one that is. */
  | 'out-of-order'
  /** Applied, and its statements are others now. */
  | 'edited'
  /** Applied, and there is no file. */
  | 'missing'
  /** A file without a transaction that has stopped in its middle. */
  | 'unfinished';

export interface MigrationStanding {
  readonly version: string;
  readonly name: string;
  readonly state: MigrationState;
  readonly migration: Migration | undefined;
  /** What put it into the database; undefined where another tool did, and where it is not there. */
  readonly event: LedgerEvent | undefined;
  /** Statements that are done of an unfinished one. */
  readonly statementsDone: number;
  /** One of those is another one now: to go on from there would make something that stands nowhere. */
  readonly doneEdited: boolean;
  /** Worth knowing, and no reason to stop. */
  readonly remarks: readonly string[];
}

/** Compares a folder with a ledger: one standing a version, in the order of versions. */
export function judge(migrations: readonly Migration[], ledger: Ledger): MigrationStanding[] {
  const events = new Map(ledger.events.map((event) => [event.id, event]));
  const applied = new Map(ledger.applied.map(({ version, event }) => [version, events.get(event ?? '')]));
  const newest =
    ledger.applied
      .map(({ version }) => version)
      .toSorted()
      .at(-1) ?? '';
  const files = new Map(migrations.map((migration) => [migration.version, migration]));
  const versions = [...new Set([...files.keys(), ...applied.keys()])].toSorted();
  return versions.map((version) => {
    const migration = files.get(version);
    const event = applied.get(version);
    const accepted = ledger.events.findLast(
      (each) => each.version === version && (each.kind === 'accept' || each.id === event?.id),
    );
    const progress = applied.has(version) ? undefined : progressOf(version, ledger.events);
    const statementsDone = progress?.statements ?? 0;
    const doneEdited =
      progress !== undefined && migration?.up.statements[statementsDone - 1]?.meaningSoFar !== progress.meaning;
    const standing = {
      version,
      migration,
      event,
      statementsDone,
      doneEdited,
      name: migration?.name ?? event?.name ?? '',
    };
    if (migration === undefined) return { ...standing, state: 'missing', remarks: [] };
    if (statementsDone > 0) return { ...standing, state: 'unfinished', remarks: [] };
    if (!applied.has(version)) {
      return { ...standing, state: version < newest ? 'out-of-order' : 'pending', remarks: [] };
    }
    return { ...standing, ...compare(migration, accepted, event) };
  });
}

function compare(
  { up, name, rollback }: Migration,
  accepted: LedgerEvent | undefined,
  event: LedgerEvent | undefined,
): Pick<MigrationStanding, 'state' | 'remarks'> {
  if (accepted === undefined) {
    return { state: 'applied', remarks: ['applied by another tool: nothing is known of the file it was'] };
  }
  // A meaning of another form was read in another way, and says nothing of this one.
  const comparable = accepted.meaning?.split(':')[0] === up.meaning.split(':')[0];
  const edited = accepted.checksum !== up.checksum && (!comparable || accepted.meaning !== up.meaning);
  const remarks = [
    ...(!edited && accepted.checksum !== up.checksum ? ['only comments or white space were changed since'] : []),
    ...(event === undefined || event.name === name ? [] : [`was called ${event.name} when it was applied`]),
    ...(event !== undefined && event.rollback !== null && rollback !== undefined && event.rollback !== rollback.text
      ? ['its rollback was changed since; the one that was recorded is used']
      : []),
  ];
  return { state: edited ? 'edited' : 'applied', remarks };
}

/** How far a run without a transaction has come with a version since that was last done or undone. */
function progressOf(version: string, events: readonly LedgerEvent[]): LedgerEvent | undefined {
  const own = events.filter((event) => event.version === version && event.kind !== 'accept');
  const last = own.findLast(({ outcome }) => outcome !== 'failed');
  return last?.outcome === 'progress' && last.kind === 'up' ? last : undefined;
}

/** What may be passed over; each was judged dangerous until somebody says that it is not. */
export type Tolerance = 'out-of-order' | 'missing' | 'edited';

export const tolerances = ['out-of-order', 'missing', 'edited'] as const satisfies readonly Tolerance[];

export interface UpRequest {
  /** The last version to apply. */
  readonly to?: string | undefined;
  readonly steps?: number | undefined;
  readonly allow: readonly Tolerance[];
}

/** Decides what `up` applies, oldest first. */
export function planUp(standings: readonly MigrationStanding[], { to, steps, allow }: UpRequest): StepPlan {
  const waiting = standings.filter(
    (standing): standing is MigrationStanding & { readonly migration: Migration } =>
      standing.migration !== undefined && ['pending', 'out-of-order', 'unfinished'].includes(standing.state),
  );
  const within = waiting.filter(({ version }) => to === undefined || version <= to).slice(0, steps);
  const chosen = new Set(within.map(({ version }) => version));
  const refusals = standings
    .filter(({ state, version }) => state !== 'out-of-order' || chosen.has(version))
    .flatMap(({ version, name, state, doneEdited }): Refusal[] => {
      if (doneEdited)
        return [
          { version, state, reason: `${version}_${name} stopped in its middle, and what is done of it was edited` },
        ];
      const reason = reasonOf(state);
      if (reason === undefined || allow.some((tolerated) => tolerated === state)) return [];
      return [{ version, state, reason: `${version}_${name} ${reason}` }];
    });
  return { steps: within.map((standing) => upStep(standing.migration, standing)), refusals };
}

function reasonOf(state: MigrationState): string | undefined {
  switch (state) {
    case 'edited':
      return 'was edited after it was applied';
    case 'missing':
      return 'is applied, and its file is missing';
    case 'out-of-order':
      return 'is older than one that is applied';
    case 'applied':
    case 'pending':
    case 'unfinished':
      return undefined;
  }
}
