/**
 * What is settled for longer than `retainDays` moves to the archive; files of evidence that no row names go.
 *
 * T1. Only what is settled moves: blocked work and open reviews wait for a person, however long.
 * T2. A round looks at what is old enough and is still here, not at what was done since: in order of creation, up to the first
 *     that is too young.
 * T3. One subject that cannot be moved is said once and keeps no other one back.
 */
import { FINAL_STATES, SETTLED_STATES } from '../machines/registry.ts';
import type { EpochMs } from '../machines/ids.ts';
import type { ActorQuery, StoredActor, StoreReader } from '../persistence/store.ts';
import { artifactsInFolder, removeUnnamed } from '../persistence/unnamed-artifacts.ts';
import { archiveSubject } from './archive-subject.ts';
import type { MaintenanceJob } from './maintenance.ts';
import type { JobParts } from './maintenance-jobs.ts';

const DAY_MS = 86_400_000;
/** Actors of a subject that is moved although runs are live: a commit beside it waits for some 20 ms. */
const ACTORS_WHEN_BUSY_MAX = 80;
/** Subjects looked at in one step. */
const SUBJECTS_PER_STEP = 10;
/** Folders of artifacts, by the first byte of their hash. */
const FOLDERS = 256;

export const retentionJobs = (parts: JobParts): readonly MaintenanceJob[] => {
  const said = new Set<string>();
  const sayOnce = (words: string): void => {
    if (!said.has(words)) parts.report('archive', words);
    said.add(words);
  };
  return [
    { name: 'archive', everyMs: DAY_MS / 24, run: () => archiveOld(parts, sayOnce) },
    { name: 'artifact files', everyMs: DAY_MS, run: () => sweepArtifactFiles(parts) },
  ];
};

type Candidates = Pick<ActorQuery, 'kind' | 'state' | 'objectiveId'>;

/** T1. Workers of an objective that was archived without them are found among all cleaned-up ones, which are few. */
const CANDIDATES: readonly Candidates[] = [
  ...SETTLED_STATES.objective.map((state) => ({ kind: 'objective', state }) as const),
  ...SETTLED_STATES.task.map((state) => ({ kind: 'task', state, objectiveId: null }) as const),
  ...FINAL_STATES.gate.map((state) => ({ kind: 'gate', state, objectiveId: null }) as const),
  ...FINAL_STATES.worker.map((state) => ({ kind: 'worker', state }) as const),
];

/** T2. Everything that may move now; `null` ends a step. */
export async function* oldSubjects(
  reader: StoreReader,
  before: EpochMs,
): AsyncGenerator<StoredActor | null, void, undefined> {
  for (const candidates of CANDIDATES) {
    let after: string | null = null;
    do {
      const from: { after?: string } = after === null ? {} : { after };
      const page = await reader.listActors({ ...candidates, limit: SUBJECTS_PER_STEP, order: 'oldest', ...from });
      yield null;
      for (const actor of page.items) {
        if (actor.updatedAt < before && (await standsAlone(reader, actor))) yield actor;
      }
      // In order of creation: what comes now is younger than what may go.
      after = (page.items.at(-1)?.createdAt ?? before) >= before ? null : page.nextCursor;
    } while (after !== null);
  }
}

/** Whether it is no part of a subject that is still here. */
const standsAlone = async (reader: StoreReader, { kind, facts }: StoredActor): Promise<boolean> => {
  if (kind === 'gate' && facts.taskId !== null) return (await reader.getActor(facts.taskId)) === null;
  if (kind === 'worker' && facts.objectiveId !== null) return (await reader.getActor(facts.objectiveId)) === null;
  return true;
};

async function* archiveOld(parts: JobParts, sayOnce: (words: string) => void): AsyncGenerator<void> {
  const before = (parts.clock.now() - parts.retainDays * DAY_MS) as EpochMs;
  for await (const subject of oldSubjects(parts.kernel().store, before)) {
    if (subject !== null) await archiveOne(parts, { id: subject.id, before, sayOnce });
    yield;
  }
}

async function archiveOne(
  { kernel, clock, paths, report }: JobParts,
  { id, before, sayOnce }: { readonly id: string; readonly before: EpochMs; readonly sayOnce: (words: string) => void },
): Promise<void> {
  const { store } = kernel();
  const isBusy = (await store.listActors({ kind: 'run', live: true, limit: 1 })).items.length > 0;
  try {
    const outcome = await archiveSubject({
      store,
      directory: paths.archive,
      artifacts: paths.artifacts,
      subjectId: id,
      settledBefore: before,
      now: clock.now(),
      ...(isBusy ? { actorsMax: ACTORS_WHEN_BUSY_MAX } : {}),
    });
    if (outcome.kind === 'kept') return sayOnce(`${id} stays: ${outcome.reason}`);
    kernel().forget(outcome.actors);
    const { file, actors, entries, artifacts } = outcome.row;
    const counts = `${String(actors)} actors, ${String(entries)} entries, ${String(artifacts)} artifacts`;
    report('archive', `${id} moved to ${file}: ${counts}, ${String(outcome.freedBytes)} bytes of evidence freed`);
  } catch (error) {
    sayOnce(`${id} could not be moved: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Copies that no row names: of runs that died before they were recorded, and of what was archived. */
async function* sweepArtifactFiles({ kernel, clock, paths }: JobParts): AsyncGenerator<void> {
  const named = (hashes: readonly string[]) => kernel().store.namedHashes(hashes);
  for (let folder = 0; folder < FOLDERS; folder += 1) {
    const hashes = await artifactsInFolder(paths.artifacts, folder);
    if (hashes.length === 0) continue;
    await removeUnnamed({ artifacts: paths.artifacts, now: clock.now(), named }, hashes);
    yield;
  }
}
