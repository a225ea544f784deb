/**
 * Why a task is not running, in words for people. Every task that is not running has a reason; a running or completed one has
 * none (a completed one only when somebody accepted it).
 *
 * R1. The machine's own reason comes first, then what it waits for, then what the scheduler knows, then where it stands.
 * R2. The cost grows with the tasks asked about, never with the tasks there are.
 */
import { RUN_ENDS } from '../../machines/run/ends.ts';
import type { TaskContext } from '../../machines/task/model.ts';
import type { StoredActor } from '../../persistence/store.ts';
import { decodeSpec } from '../../supervisor/specs/task-spec.ts';
import { contextOf, type OperationContext } from '../operation-context.ts';

export type ReasonSources = Pick<OperationContext, 'reader' | 'scheduler' | 'supervisor'>;

/** Names of dependencies that a reason shows. */
const NAMES_MAX = 3;

/** @returns a reason, or null, for each of `tasks` by id. */
export const taskReasons = async (
  sources: ReasonSources,
  tasks: readonly StoredActor[],
): Promise<ReadonlyMap<string, string | null>> => {
  const own = new Map(
    tasks.map((actor) => [actor.id as string, ownReason(actor.facts.state, contextOf(actor, 'task'))]),
  );
  const waiting = tasks.filter((actor) => own.get(actor.id) === undefined && contextOf(actor, 'task').waitingOn > 0);
  const names = await openDependencies(sources, waiting);
  const startable = tasks.filter(
    (actor) => own.get(actor.id) === undefined && contextOf(actor, 'task').waitingOn === 0,
  );
  const objectives = await objectiveReasons(sources, startable);
  const scheduled =
    startable.length === 0
      ? null
      : await sources.scheduler.reasons(startable.map(({ id, facts }) => ({ id, objectiveId: facts.objectiveId })));
  return new Map(
    tasks.map((actor) => {
      const { id, facts } = actor;
      const known = own.get(id);
      if (known !== undefined) return [id, known];
      const fallback =
        sources.supervisor === null ? 'no supervisor is running: conductor start' : 'will be started next';
      const isAskedFor = contextOf(actor, 'task').queuedAt !== null;
      const alone =
        facts.objectiveId === null ? 'belongs to no objective: start it by name' : objectives.get(facts.objectiveId);
      // Whoever was asked for by name needs no objective that starts it.
      const objective = isAskedFor ? undefined : alone;
      return [id, names.get(id) ?? scheduled?.get(id) ?? objective ?? fallback];
    }),
  );
};

type Reasons = Pick<TaskContext, 'acceptedBy' | 'reason' | 'notBefore' | 'end'>;

/** @returns undefined when the snapshot alone does not say it. */
export const ownReason = (state: string, task: Reasons): string | null | undefined => {
  switch (state) {
    case 'running':
      return null;
    case 'completed':
      return task.acceptedBy === null ? null : `accepted by ${task.acceptedBy}: ${task.reason ?? ''}`;
    case 'draft':
      return 'a draft: submit it';
    case 'ready':
    case 'assigned':
      return task.notBefore === null ? undefined : delayed(task, task.notBefore);
    default:
      return task.reason ?? (task.end === null ? state : RUN_ENDS[task.end].says);
  }
};

const delayed = (task: Pick<Reasons, 'end'>, until: number): string =>
  `delayed until ${new Date(until).toISOString()}${task.end === null ? '' : `: its last run ${RUN_ENDS[task.end].says}`}`;

const openDependencies = async (
  { reader }: ReasonSources,
  waiting: readonly StoredActor[],
): Promise<ReadonlyMap<string, string>> => {
  const wanted = await Promise.all(
    waiting.map(async (actor) => {
      const { spec } = contextOf(actor, 'task');
      const data = await reader.getBlob(spec);
      return { actor, ids: data === null ? [] : decodeSpec(data).dependsOn.map(({ taskId }) => taskId as string) };
    }),
  );
  const tasks = await reader.getActors([...new Set(wanted.flatMap(({ ids }) => ids))]);
  return new Map(
    wanted.map(({ actor, ids }) => {
      const open = ids.filter((id) => tasks.get(id)?.facts.state !== 'completed');
      const names = open.slice(0, NAMES_MAX).map((id) => nameOf(tasks.get(id), id));
      const more = open.length > NAMES_MAX ? ` and ${String(open.length - NAMES_MAX)} more` : '';
      const count = contextOf(actor, 'task').waitingOn;
      return [
        actor.id,
        names.length === 0 ? `waiting for ${String(count)} tasks` : `waiting for ${names.join(', ')}${more}`,
      ];
    }),
  );
};

const nameOf = (actor: StoredActor | undefined, id: string): string =>
  actor === undefined ? id : (contextOf(actor, 'task').planId ?? id);

const objectiveReasons = async (
  { reader }: ReasonSources,
  tasks: readonly StoredActor[],
): Promise<ReadonlyMap<string, string>> => {
  const ids = new Set(tasks.map(({ facts }) => facts.objectiveId).filter((id) => id !== null));
  const objectives = await reader.getActors([...ids]);
  const reasons = new Map<string, string>();
  for (const { id, facts } of objectives.values()) {
    if (facts.state === 'draft') reasons.set(id, 'its objective is a draft: activate it');
    if (facts.state === 'canceled') reasons.set(id, 'its objective is canceled');
  }
  return reasons;
};
