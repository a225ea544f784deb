/**
 * What a program inside a run says to its runner: progress, questions, follow-up work, its end.
 *
 * The result says what became of the report: `applied` (true: taken; stored: kept until the supervisor is back; false: refused,
 * with the reason). A refused report is an answer, not an error: the program has to read it.
 */
import { Type, type Static } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import { LINE_MAX, TEXT_MAX, type Principal } from '../machines/schema.ts';
import type { ChildAnswer, ReportedArtifact } from '../supervisor/runners/protocol.ts';
import { TASK_LIMITS } from '../supervisor/specs/task-spec.ts';
import type { ChildChannel, HandlerContext } from './operation-context.ts';
import { defineOperation, said, type OperationResult } from './operation.ts';
import { closed, nullable, oneOf, optional, runId, taskId } from './parameter-schemas.ts';

const CHILD: readonly Principal[] = ['child_run'];
/** Longest wait for an answer in one call, in ms: a day. */
const WAIT_MS_MAX = 86_400_000;

const scope = {
  runId: optional(runId, 'Default, and only possible: the own run.'),
  taskId: optional(taskId, 'Default, and only possible: the own task.'),
};
const key = optional(Type.String({ minLength: 1, maxLength: 128 }), 'The same report with the same key counts once.');
const artifact = optional(
  closed({
    type: oneOf(['note', 'test_result', 'changed_files', 'log', 'completion_report', 'pr_evidence', 'other']),
    path: Type.String({ minLength: 1, maxLength: TASK_LIMITS.pathMax }),
  }),
  'A file of the worktree to keep as evidence.',
);
const answered = closed({
  applied: Type.Union([Type.Boolean(), Type.Literal('stored')]),
  reason: nullable(Type.String()),
  gate: nullable(
    closed({
      gateId: Type.String(),
      state: Type.String(),
      decision: nullable(Type.String()),
      answer: nullable(Type.String()),
    }),
  ),
});
type Answered = OperationResult<Static<typeof answered>>;

/** @throws ConductorError `invalid_state` outside of a run, `not_permitted` for another run or task */
const channelOf = (
  { child }: HandlerContext,
  named: { readonly runId?: string; readonly taskId?: string },
): ChildChannel => {
  if (child === null)
    throw new ConductorError('invalid_state', 'this is for programs inside a run: there is none around this one');
  for (const [field, own] of [['runId', child.runId] as const, ['taskId', child.taskId] as const]) {
    const given = named[field];
    if (given !== undefined && given !== own) {
      throw new ConductorError('not_permitted', `${field} is ${given}, but this run may speak for ${own} only`, {
        details: { field, own },
      });
    }
  }
  return child;
};

const staged = async (
  child: ChildChannel,
  wanted: { readonly type: string; readonly path: string } | undefined,
): Promise<readonly ReportedArtifact[]> => (wanted === undefined ? [] : [await child.stage(wanted)]);

const answer = (what: string, { applied, reason, gate }: ChildAnswer): Answered => {
  const ending =
    applied === true ? 'is recorded' : applied === 'stored' ? 'is stored until the supervisor is back' : 'was refused';
  const given =
    gate?.answer === null || gate?.answer === undefined ? '' : `\n${gate.decision ?? gate.state}: ${gate.answer}`;
  return said(`${what} ${ending}${reason === undefined ? '' : `: ${reason}`}${given}`, {
    applied,
    reason: reason ?? null,
    gate: gate === undefined || gate === null ? null : { ...gate },
  });
};

export const childProgress = defineOperation({
  name: 'conductor_child_progress',
  title: 'Report progress',
  description: 'Tells how far the work is, in one line. Also shows that the run is alive.',
  params: closed({
    ...scope,
    progress: Type.String({ minLength: 1, maxLength: LINE_MAX }),
    idempotencyKey: key,
    artifact,
  }),
  result: answered,
  principals: CHILD,
  mutates: false,
  handler: async (context, params) => {
    const child = channelOf(context, params);
    const artifacts = await staged(child, params.artifact);
    const report = {
      kind: 'child.progress',
      text: params.progress,
      key: params.idempotencyKey ?? null,
      artifacts,
    } as const;
    return answer('progress', await child.report(report));
  },
});

export const childCreateGate = defineOperation({
  name: 'conductor_child_create_gate',
  title: 'Ask a question',
  description:
    'Opens a gate for a human or the parent agent. With wait the answer comes back here; the same question has one gate.',
  params: closed({
    ...scope,
    type: oneOf(['needs_input', 'needs_review']),
    requestedDecision: Type.String({ minLength: 1, maxLength: TEXT_MAX }),
    wait: optional(Type.Boolean(), 'Wait for the answer. Default: false.'),
    timeoutMs: optional(
      Type.Integer({ minimum: 1, maximum: WAIT_MS_MAX }),
      'With wait: at most so long. Default: until it is given.',
    ),
  }),
  result: answered,
  principals: CHILD,
  mutates: false,
  handler: async (context, params) => {
    const child = channelOf(context, params);
    const wait = params.wait ?? false;
    const report = { kind: 'child.gate', gateType: params.type, ask: params.requestedDecision, wait } as const;
    return answer('the question', await child.report(report, wait ? { waitMs: params.timeoutMs ?? null } : {}));
  },
});

export const childCreateFollowup = defineOperation({
  name: 'conductor_child_create_followup_task',
  title: 'Create a follow-up task',
  description: 'Creates a task in the same objective. Only when this run was allowed to.',
  params: closed({
    ...scope,
    title: Type.String({ minLength: 1, maxLength: TASK_LIMITS.titleMax }),
    command: Type.Array(Type.String({ maxLength: 4_096 }), { minItems: 1, maxItems: 256 }),
    idempotencyKey: key,
  }),
  result: answered,
  principals: CHILD,
  mutates: false,
  handler: async (context, params) => {
    const child = channelOf(context, params);
    const { title, command, idempotencyKey = null } = params;
    return answer(
      'the follow-up task',
      await child.report({ kind: 'child.followup', title, command, key: idempotencyKey }),
    );
  },
});

export const childComplete = defineOperation({
  name: 'conductor_child_complete',
  title: 'Complete the task',
  description:
    'The last word of a run: how it went, in a status and a summary. The work is then committed and verified.',
  params: closed({
    ...scope,
    status: oneOf(['succeeded', 'partial', 'blocked', 'failed', 'aborted']),
    completionSummary: Type.String({ minLength: 1, maxLength: TEXT_MAX }),
    idempotencyKey: key,
    artifact,
  }),
  result: answered,
  principals: CHILD,
  mutates: false,
  handler: async (context, params) => {
    const child = channelOf(context, params);
    const artifacts = await staged(child, params.artifact);
    const { status, completionSummary: summary, idempotencyKey = null } = params;
    return answer(
      'the completion',
      await child.report({ kind: 'child.complete', status, summary, key: idempotencyKey, artifacts }),
    );
  },
});

export const childOperations = [childProgress, childCreateGate, childCreateFollowup, childComplete] as const;
