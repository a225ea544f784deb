/**
 * A task that a child asks for while it works, when its contract grants it.
 *
 * F1. The request is named after the report's place in its spool, so a report that is sent twice makes one task.
 * F2. The new task belongs to the asking task's objective and starts where that one started.
 */
import type { EpochMs, RunId, TaskId } from '../../machines/ids.ts';
import type { TaskContext } from '../../machines/task/model.ts';
import type { Message } from '../kernel/kernel.ts';
import type { ReportBody, ReportResult } from '../runners/protocol.ts';
import { createSpec, decodeSpec, encodeSpec, runPolicyOf, type TaskSpec } from '../specs/task-spec.ts';
import { runContext, type RunParts } from './run-parts.ts';

type From = { readonly runId: RunId; readonly epoch: number; readonly seq: number };
type Followup = Extract<ReportBody, { kind: 'child.followup' }>;

export async function createFollowup(parts: RunParts, from: From, body: Followup): Promise<ReportResult> {
  const { seq } = from;
  const asker = await askerOf(parts, from);
  if (asker.kind === 'refused') return { result: 'rejected', seq, reason: asker.reason, state: asker.state };
  const taskId = parts.newId('task') as TaskId;
  const spec = createSpec({ title: body.title, run: body.command, base: asker.spec.base, completion: 'exit-code' });
  const encoded = encodeSpec(spec);
  const outcome = await parts.kernel().post({
    messages: messagesFor({ taskId, objectiveId: asker.task.objectiveId, at: parts.clock.now() }, spec, encoded.hash),
    principal: 'child_run',
    blobs: [{ ...encoded, usedBy: [taskId] }],
    request: {
      id: `followup/${from.runId}/${String(from.epoch)}/${String(seq)}`,
      hash: encoded.hash,
      result: { taskId },
    },
  });
  if (outcome.kind === 'applied') return { result: 'applied', seq };
  if (outcome.kind === 'repeated') return { result: 'repeat', seq };
  return { result: 'rejected', seq, reason: outcome.reason, state: outcome.state };
}

type Asker =
  | { readonly kind: 'granted'; readonly task: TaskContext; readonly spec: TaskSpec }
  | { readonly kind: 'refused'; readonly reason: string; readonly state: string | null };

async function askerOf(parts: RunParts, { runId, epoch }: From): Promise<Asker> {
  const run = await parts.kernel().read(runId);
  if (run === null || run.facts.settled)
    return { kind: 'refused', reason: 'run_final', state: run?.facts.state ?? null };
  if (runContext(run).epoch !== epoch) return { kind: 'refused', reason: 'old_epoch', state: run.facts.state };
  const actor = await parts.kernel().read(runContext(run).taskId);
  const task = actor?.snapshot.context as unknown as TaskContext;
  const bytes = await parts.kernel().store.getBlob(task.spec);
  const spec = bytes === null ? null : decodeSpec(bytes);
  if (spec === null || !spec.mayFollowUp) return { kind: 'refused', reason: 'not_granted', state: run.facts.state };
  return { kind: 'granted', task, spec };
}

function messagesFor(
  place: { readonly taskId: TaskId; readonly objectiveId: TaskContext['objectiveId']; readonly at: EpochMs },
  spec: TaskSpec,
  hash: string,
): Message[] {
  const create: Message = {
    kind: 'create',
    id: place.taskId,
    input: {
      ...place,
      planId: null,
      title: spec.title,
      spec: hash,
      workerName: null,
      retry: spec.retry,
      run: runPolicyOf(spec),
      dependencies: 0,
      draft: false,
    },
  };
  if (place.objectiveId === null) return [create];
  const added = { type: 'task.added', taskId: place.taskId, bucket: 'ready' };
  return [create, { kind: 'event', to: place.objectiveId, event: added }];
}
