/**
 * From what was asked for to what is stored: a plan's task, laid over the configuration at its base, becomes a spec and the
 * messages that create it.
 *
 * D1. Where a task starts is decided once, as a commit; a branch that moves later moves nothing.
 * D2. A task that no agent here can carry out is refused before anything is created.
 */
import { ConductorError, isConductorError } from '../machines/errors.ts';
import type { ObjectiveId, TaskId } from '../machines/ids.ts';
import type { StoredActor } from '../persistence/store.ts';
import type { StoredBlob } from '../persistence/stored-blob.ts';
import type { Message } from '../supervisor/kernel/kernel.ts';
import type { CommandLine } from '../supervisor/runners/contract.ts';
import { decodeSpec, encodeSpec, placePrompt, runPolicyOf, type TaskSpec } from '../supervisor/specs/task-spec.ts';
import type { Configuration, EffectiveConfiguration } from './configuration.ts';
import { contextOf, type OperationContext } from './operation-context.ts';
import type { PlanTask } from './plan/plan.ts';

/** Content that some task will name. */
export type Blob = Omit<StoredBlob, 'usedBy'>;

export type TaskDraft = {
  readonly taskId: TaskId;
  readonly objectiveId: ObjectiveId | null;
  readonly spec: TaskSpec;
  readonly draft: boolean;
  readonly promptBlob: Blob | null;
};

export type SpecSources = {
  readonly planId: string | null;
  readonly setup: readonly CommandLine[] | null;
  readonly base: string | null;
  readonly dependsOn: TaskSpec['dependsOn'];
  readonly mayFollowUp: boolean;
  readonly configuration: Configuration;
};

/** Task over plan over configuration. */
export const specOf = (
  task: PlanTask,
  from: SpecSources,
): { readonly spec: TaskSpec; readonly promptBlob: Blob | null } => {
  const { blob, ...prompt } = placePrompt(task.prompt);
  const { configuration } = from;
  return {
    promptBlob: blob,
    spec: {
      title: task.title,
      planId: from.planId,
      agent: task.agent,
      run: task.run,
      ...prompt,
      dependsOn: from.dependsOn,
      base: from.base,
      workerName: task.workerName,
      writeScope: [...task.writeScope],
      setup: [...(from.setup ?? configuration.setup)],
      verify: [...(task.verify ?? configuration.verify)],
      completion: task.completion,
      retry: task.retry,
      restart: task.restart,
      timeoutMs: task.timeoutMs ?? configuration.timeoutMs,
      idleMs: task.idleMs ?? configuration.idleMs,
      logBytesMax: configuration.logBytesMax,
      env: { ...task.env },
      envNames: [...configuration.env],
      runtimeMode: task.runtimeMode,
      mayFollowUp: from.mayFollowUp,
    },
  };
};

/** The task, its place in the objective's counts, and its edges; in this order in one post. */
export const messagesOf = (
  draft: TaskDraft,
  at: number,
): { readonly messages: Message[]; readonly blobs: StoredBlob[] } => {
  const { taskId, objectiveId, spec } = draft;
  const encoded = encodeSpec(spec);
  const waiting = spec.dependsOn.length > 0;
  const create: Message = {
    kind: 'create',
    id: taskId,
    input: {
      taskId,
      objectiveId,
      planId: spec.planId,
      title: spec.title,
      spec: encoded.hash,
      workerName: spec.workerName,
      retry: spec.retry,
      run: runPolicyOf(spec),
      dependencies: spec.dependsOn.length,
      draft: draft.draft,
      at,
    },
  };
  const bucket = draft.draft ? 'draft' : waiting ? 'waiting' : 'ready';
  const joined: Message[] =
    objectiveId === null ? [] : [{ kind: 'event', to: objectiveId, event: { type: 'task.added', taskId, bucket } }];
  const edges = spec.dependsOn.map((on): Message => ({
    kind: 'event',
    to: on.taskId,
    event: { type: 'dependent.added', dependent: taskId },
  }));
  return {
    messages: [create, ...joined, ...edges],
    blobs: blobsOf(taskId, encoded, draft.promptBlob),
  };
};

/** What a task names from now on: its spec, and the long prompt that the spec names. */
export const blobsOf = (taskId: string, spec: Blob, prompt: Blob | null): StoredBlob[] =>
  (prompt === null ? [spec] : [spec, prompt]).map((blob) => ({ ...blob, usedBy: [taskId] }));

/** @throws ConductorError `agent_unavailable` */
export const needAgent = (context: Pick<OperationContext, 'agents'>, task: Pick<PlanTask, 'agent' | 'title'>): void => {
  if (context.agents.includes(task.agent)) return;
  throw new ConductorError(
    'agent_unavailable',
    `«${task.title}» needs the agent ${task.agent}, which cannot be executed here; possible: ${context.agents.join(', ')}. Give it a run command.`,
    { details: { agent: task.agent, available: context.agents } },
  );
};

/** @param field named in the message. @throws ConductorError `invalid_params` when git does not know it, `repository_empty` */
export const resolveBase = async (
  context: Pick<OperationContext, 'workspaces'>,
  commitish: string,
  field: string,
): Promise<string> => {
  try {
    return await context.workspaces.resolveBase(commitish);
  } catch (error) {
    if (!isConductorError(error, 'git_failed')) throw error;
    throw new ConductorError(
      'invalid_params',
      `${field} names ${commitish}, which git does not find in this repository`,
      {
        details: { field, base: commitish },
        cause: error,
      },
    );
  }
};

/** Each base is read once, however many tasks start from it. */
export const configurationReader = (
  context: Pick<OperationContext, 'config'>,
): ((commit: string) => Promise<EffectiveConfiguration>) => {
  const known = new Map<string, Promise<EffectiveConfiguration>>();
  return async (commit) => {
    const found = known.get(commit) ?? context.config.at(commit);
    known.set(commit, found);
    return found;
  };
};

/** Values that the client sent for names that the configuration grants to these tasks; all others are forgotten at once. */
export const keepGrants = (
  context: Pick<OperationContext, 'clientEnv' | 'grants'>,
  tasks: readonly { readonly taskId: string; readonly spec: Pick<TaskSpec, 'envNames'> }[],
): void => {
  const names = new Set(tasks.flatMap(({ spec }) => spec.envNames));
  const values = Object.entries(context.clientEnv ?? {}).filter(([name]) => names.has(name));
  if (values.length > 0)
    context.grants.keep(
      tasks.map(({ taskId }) => taskId),
      Object.fromEntries(values),
    );
};

/** The same for a task that exists. @throws ConductorError `store_damaged` */
export const keepGrantsOf = async (
  context: Pick<OperationContext, 'clientEnv' | 'grants' | 'reader'>,
  actor: StoredActor,
): Promise<void> => {
  if (Object.keys(context.clientEnv ?? {}).length === 0) return;
  keepGrants(context, [{ taskId: actor.id, spec: await readSpec(context, contextOf(actor, 'task').spec) }]);
};

/** @throws ConductorError `store_damaged` */
export const readSpec = async ({ reader }: Pick<OperationContext, 'reader'>, hash: string): Promise<TaskSpec> => {
  const data = await reader.getBlob(hash);
  if (data === null) {
    throw new ConductorError('store_damaged', 'the description of this task is not in the store: conductor doctor');
  }
  return decodeSpec(data);
};
