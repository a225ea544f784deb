/** A whole plan at once: objective, tasks and dependencies in one commit, or nothing. */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import type { ObjectiveId, TaskId } from '../machines/ids.ts';
import type { StoredBlob } from '../persistence/stored-blob.ts';
import type { Message } from '../supervisor/kernel/kernel.ts';
import { PLAN_LIMITS, PlanSchema } from './plan/plan-schema.ts';
import { parsePlan, parsePlanValue } from './plan/plan-file.ts';
import type { Plan } from './plan/plan.ts';
import type { HandlerContext } from './operation-context.ts';
import { DECIDERS, defineOperation, said } from './operation.ts';
import { closed, optional } from './parameter-schemas.ts';
import { post } from './posting.ts';
import {
  configurationReader,
  keepGrants,
  messagesOf,
  needAgent,
  resolveBase,
  specOf,
  type TaskDraft,
} from './task-drafts.ts';

/** Specs of one plan together, in bytes: a long setup is repeated in every task of it. */
const SPEC_BYTES_MAX = 16 * 1_048_576;

type Prepared = {
  readonly baseCommit: string;
  readonly maxConcurrency: number;
  readonly drafts: readonly TaskDraft[];
  readonly notInForce: { key: string; why: string }[];
};

export const runPlan = defineOperation({
  name: 'conductor_run_plan',
  title: 'Run a plan',
  description:
    'Creates an objective with all its tasks and dependencies in one commit and lets them start. Give either plan (a value) or ' +
    'text (YAML or JSON as in a plan file). An invalid plan creates nothing; every fault is listed. The same plan twice makes ' +
    'two objectives.',
  params: closed({
    plan: Type.Optional(PlanSchema),
    text: optional(Type.String({ minLength: 1, maxLength: PLAN_LIMITS.bytesMax }), 'A plan file, instead of plan.'),
    file: optional(
      Type.String({ minLength: 1, maxLength: 4_096 }),
      'Name of the plan file in messages; nothing is opened.',
    ),
  }),
  result: closed({
    objectiveId: Type.String(),
    /** By the tasks' ids in the plan. */
    tasks: Type.Record(Type.String(), Type.String()),
    /** Changed files of the checkout: they are in no worktree. */
    uncommittedFiles: Type.Integer({ minimum: 0 }),
    notInForce: Type.Array(closed({ key: Type.String(), why: Type.String() })),
  }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    if ((params.plan === undefined) === (params.text === undefined)) {
      throw new ConductorError('invalid_params', 'conductor_run_plan: give either plan or text');
    }
    const plan =
      params.text === undefined ? parsePlanValue(params.plan, params.file) : parsePlan(params.text, params.file);
    const objectiveId = context.newId('objective');
    const prepared = await prepare(context, plan, objectiveId);
    const { messages, blobs } = planMessages(context, plan, { ...prepared, objectiveId });
    const details = {
      objectiveId,
      tasks: Object.fromEntries(prepared.drafts.map(({ spec, taskId }) => [spec.planId!, taskId as string])),
      uncommittedFiles: await context.workspaces.uncommittedFiles(),
      notInForce: prepared.notInForce,
    };
    const subject = { id: objectiveId, wanted: 'be created' };
    keepGrants(context, prepared.drafts);
    const result = await post(context, subject, { messages, blobs, result: said(planText(plan, details), details) });
    context.scheduler.poke();
    return result;
  },
});

const prepare = async (context: HandlerContext, plan: Plan, objectiveId: ObjectiveId): Promise<Prepared> => {
  plan.tasks.forEach((task) => needAgent(context, task));
  const head = await resolveBase(context, 'HEAD', 'the checkout');
  const configurationAt = configurationReader(context);
  const own = await configurationAt(head);
  const ids = new Map(plan.tasks.map(({ id }) => [id, context.newId('task')]));
  const commits = new Map<string, string>();
  const drafts: TaskDraft[] = [];
  for (const [index, task] of plan.tasks.entries()) {
    const base =
      task.base === null
        ? null
        : (commits.get(task.base) ?? (await resolveBase(context, task.base, `tasks[${String(index)}].base`)));
    if (task.base !== null) commits.set(task.base, base!);
    const { values } = await configurationAt(base ?? head);
    const dependsOn = task.dependsOn.map(({ id, needs }) => ({ taskId: ids.get(id) as TaskId, needs }));
    const sources = { planId: task.id, setup: plan.setup, base, dependsOn, mayFollowUp: false, configuration: values };
    drafts.push({ ...specOf(task, sources), taskId: ids.get(task.id) as TaskId, objectiveId, draft: false });
  }
  return {
    baseCommit: head,
    maxConcurrency: plan.maxConcurrency ?? own.values.maxConcurrency,
    drafts,
    notInForce: own.notInForce.map((one) => ({ ...one })),
  };
};

const planMessages = (
  context: HandlerContext,
  plan: Plan,
  prepared: Prepared & { readonly objectiveId: ObjectiveId },
): { readonly messages: Message[]; readonly blobs: StoredBlob[] } => {
  const { objectiveId, drafts, maxConcurrency, baseCommit } = prepared;
  const at = context.clock.now();
  const parts = drafts.map((draft) => messagesOf(draft, at));
  const blobs = new Map<string, StoredBlob & { readonly usedBy: string[] }>();
  for (const blob of parts.flatMap((part) => part.blobs)) {
    const known = blobs.get(blob.hash) ?? { ...blob, usedBy: [] };
    known.usedBy.push(...blob.usedBy);
    blobs.set(blob.hash, known);
  }
  const bytes = [...blobs.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  if (bytes > SPEC_BYTES_MAX) {
    throw new ConductorError(
      'too_large',
      `the tasks of this plan have ${String(bytes)} bytes together, at most ${String(SPEC_BYTES_MAX)} are possible: put long commands into scripts`,
    );
  }
  const all = parts.flatMap((part) => part.messages);
  const create: Message = {
    kind: 'create',
    id: objectiveId,
    input: { objectiveId, title: plan.objective, prompt: null, maxConcurrency, baseCommit, draft: false, at },
  };
  return {
    messages: [create, ...all.toSorted((left, right) => turnOf(left) - turnOf(right))],
    blobs: [...blobs.values()],
  };
};

/**
 * A dependency may stand later in the plan than the task that waits for it: first everything exists. What can run is counted
 * before what waits, so that the objective is active from the first word on.
 */
const turnOf = (message: Message): number => {
  if (message.kind === 'create') return 0;
  if (message.event.type !== 'task.added') return 3;
  return message.event['bucket'] === 'ready' ? 1 : 2;
};

const planText = (
  plan: Plan,
  details: {
    readonly objectiveId: string;
    readonly uncommittedFiles: number;
    readonly notInForce: Prepared['notInForce'];
  },
): string =>
  [
    `${details.objectiveId} «${plan.objective}» with ${plan.tasks.length === 1 ? '1 task' : `${String(plan.tasks.length)} tasks`}`,
    ...(details.uncommittedFiles === 0
      ? []
      : [`${String(details.uncommittedFiles)} uncommitted files of the checkout are in no worktree`]),
    ...details.notInForce.map(({ key, why }) => `not in force: ${key}: ${why}`),
  ].join('\n');

export const planOperations = [runPlan] as const;
