/** Where a project stands as a whole: the JSON of `conductor status`. */
import { Type, type Static } from 'typebox';
import { ACTOR_KINDS, type ActorKind } from '../../machines/ids.ts';
import type { StoreReader } from '../../persistence/store.ts';
import type { ProjectPlace, SupervisorFacts } from '../operation-context.ts';

const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });
const byState = Type.Record(Type.String(), Type.Integer({ minimum: 0 }));

export const ProjectStatusSchema = closed({
  supervisor: Type.Union([
    closed({
      pid: Type.Integer(),
      startedAt: Type.Integer(),
      version: Type.String(),
      socket: Type.String(),
      /** Address of the inspector; null while it is off. */
      inspector: Type.Union([Type.String(), Type.Null()]),
    }),
    Type.Null(),
  ]),
  project: closed({ key: Type.String(), repoRoot: Type.String(), home: Type.String() }),
  counts: closed({ tasks: byState, runs: byState, gates: byState, workers: byState, objectives: byState }),
});
export type ProjectStatus = Static<typeof ProjectStatusSchema>;

type Counts = Readonly<Record<ActorKind, Readonly<Record<string, number>>>>;

/** @param reader null: a project that nothing was ever created for. */
export const statusOf = async (
  reader: Pick<StoreReader, 'counts'> | null,
  facts: { readonly supervisor: SupervisorFacts | null; readonly project: ProjectPlace },
): Promise<ProjectStatus> => {
  const counts: Counts =
    reader === null ? (Object.fromEntries(ACTOR_KINDS.map((kind) => [kind, {}])) as Counts) : await reader.counts();
  return {
    supervisor: facts.supervisor === null ? null : { ...facts.supervisor },
    project: { key: facts.project.key, repoRoot: facts.project.repoRoot, home: facts.project.home },
    counts: {
      tasks: { ...counts.task },
      runs: { ...counts.run },
      gates: { ...counts.gate },
      workers: { ...counts.worker },
      objectives: { ...counts.objective },
    },
  };
};

/** What a person should do now; one line. */
export const nextStepOf = ({ counts, supervisor }: ProjectStatus): string => {
  const of = (kind: keyof ProjectStatus['counts'], state: string): number => counts[kind][state] ?? 0;
  if (of('gates', 'open') > 0) return `${String(of('gates', 'open'))} open gates wait for a decision: conductor gates`;
  if (of('tasks', 'needs_review') > 0)
    return `${String(of('tasks', 'needs_review'))} tasks need a review: conductor tasks --state needs_review`;
  if (of('tasks', 'running') > 0) return `${String(of('tasks', 'running'))} tasks are running: conductor runs`;
  if (of('tasks', 'failed') + of('tasks', 'blocked') > 0)
    return 'some tasks failed or are blocked: conductor tasks, then conductor retry TASK';
  if (of('tasks', 'ready') > 0 && supervisor === null)
    return 'tasks are ready and no supervisor is running: conductor start';
  return Object.keys(counts.tasks).length === 0 ? 'nothing yet: conductor run PLAN' : 'nothing to do';
};
