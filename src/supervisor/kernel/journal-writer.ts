/**
 * Journal entries: what happened to whom, with the patch that leads from the snapshot before to the one after.
 *
 * J1. Entries of one commit have consecutive numbers and share the first of them as `commit`.
 * J2. From any full snapshot of an actor at most `keyframeEvery` entries lead to the next one.
 * J3. An entry stays small: a patch above `patchBytesMax` becomes a full copy under its hash.
 */
import { createHash } from 'node:crypto';
import { kindOfId, type EpochMs } from '../../machines/ids.ts';
import type { Principal } from '../../machines/schema.ts';
import type { ActorFacts, JournalEntry } from '../../persistence/store.ts';
import { diffSnapshot } from '../../persistence/merge-patch.ts';
import type { LiveActor } from './actor-cache.ts';
import type { Draft } from './draft.ts';
import { jsonSize } from './json-size.ts';
import type { EventBody } from './kernel.ts';
import type { KernelLimits } from './limits.ts';

/** What every entry of one commit shares. */
export type JournalPage = {
  readonly draft: Draft;
  readonly commit: number;
  readonly at: EpochMs;
  readonly principal: Principal;
  readonly limits: KernelLimits;
};

export type Change = {
  readonly before: LiveActor | null;
  readonly after: LiveActor;
  readonly event: EventBody;
  readonly taken: readonly string[];
};

/** Writes the entry of a transition or creation. @returns the actor with its distance to the last full snapshot. */
export function writeTransition(page: JournalPage, change: Change): LiveActor {
  const { before, after } = change;
  const sinceKeyframe = (before?.sinceKeyframe ?? Number.POSITIVE_INFINITY) + 1;
  const isFull = before === null || sinceKeyframe >= page.limits.keyframeEvery;
  const patch = isFull
    ? fullPatch(page, after)
    : mergePatch(page, diffSnapshot(before.persisted, after.persisted), after);
  page.draft.journal.push({
    ...headOf(page, after),
    kind: 'transition',
    event: change.event,
    from: before?.facts.state ?? null,
    to: after.facts.state,
    taken: change.taken,
    reason: null,
    patch,
  });
  return { ...after, sinceKeyframe: 'merge' in patch ? sinceKeyframe : 0 };
}

/** The full snapshot after a migration, so that what follows is a patch of what this version reads. */
export function writeMigration(page: JournalPage, actor: LiveActor): LiveActor {
  page.draft.journal.push({
    ...headOf(page, actor),
    kind: 'note',
    event: { type: 'actor.migrated', from: actor.migratedFrom, to: actor.version },
    from: actor.facts.state,
    to: actor.facts.state,
    taken: [],
    reason: null,
    patch: fullPatch(page, actor),
  });
  return { ...actor, sinceKeyframe: 0, migratedFrom: null };
}

/** An event that changed nothing, and why. */
export function writeRejection(
  page: JournalPage,
  actor: LiveActor,
  what: { readonly event: EventBody; readonly reason: string },
): void {
  page.draft.journal.push({
    ...headOf(page, actor),
    kind: 'rejected',
    event: what.event,
    from: actor.facts.state,
    to: actor.facts.state,
    taken: [],
    reason: what.reason,
    patch: null,
  });
}

/** A fact for people. `actor` may name anything, also what has no machine. */
export function writeNote(
  page: JournalPage,
  note: { readonly actor: string; readonly type: string; readonly text: string },
  known: LiveActor | null,
): void {
  const state = known?.facts.state ?? null;
  page.draft.journal.push({
    ...headOf(page, known ?? { ...nobody, id: note.actor, kind: kindOfId(note.actor) ?? 'system' }),
    kind: 'note',
    event: { type: note.type, text: note.text },
    from: state,
    to: state,
    taken: [],
    reason: null,
    patch: null,
  });
}

/** Whom a note is about when its actor is not in memory: its refs are left out rather than looked up. */
const nobody = { version: '0', facts: { objectiveId: null, taskId: null, runId: null } };

type Subject = {
  readonly id: string;
  readonly kind: string;
  readonly version: string;
  readonly facts: Pick<ActorFacts, 'objectiveId' | 'taskId' | 'runId'>;
};

const headOf = (page: JournalPage, actor: Subject) => ({
  seq: page.draft.lastSeq + 1,
  at: page.at,
  commit: page.commit,
  actor: actor.id,
  machine: actor.kind,
  version: actor.version,
  principal: page.principal,
  objectiveId: actor.facts.objectiveId,
  taskId: actor.facts.taskId,
  runId: actor.facts.runId,
});

type Patch = NonNullable<JournalEntry['patch']>;

function mergePatch(page: JournalPage, merge: unknown, actor: LiveActor): Patch {
  return isSmall(page, merge) ? { merge } : fullPatch(page, actor);
}

function fullPatch(page: JournalPage, { id, persisted: snapshot }: LiveActor): Patch {
  if (isSmall(page, snapshot)) return { keyframe: snapshot };
  const data = new TextEncoder().encode(JSON.stringify(snapshot));
  const hash = createHash('sha256').update(data).digest('hex');
  page.draft.blobs.push({ hash, data, usedBy: [id] });
  return { blob: hash };
}

/** The estimate may be short by a factor of six where every character is escaped; only near the bound the text is made. */
function isSmall(page: JournalPage, value: unknown): boolean {
  const { patchBytesMax } = page.limits;
  if (jsonSize(value) < patchBytesMax / 6) return true;
  return Buffer.byteLength(JSON.stringify(value)) <= patchBytesMax;
}
