/** Changes what a task says: another spec, another revision. What it was is kept, and old approvals do not count any more. */
import { Type, type Static } from 'typebox';
import { encodeSpec, placePrompt, runPolicyOf, TASK_LIMITS, type TaskSpec } from '../supervisor/specs/task-spec.ts';
import { contextOf, needActor, type HandlerContext } from './operation-context.ts';
import { DECIDERS, defineOperation, said } from './operation.ts';
import { closed, taskId } from './parameter-schemas.ts';
import { parseTaskValue } from './plan/plan-file.ts';
import { PLAN_TASK_KEYS } from './plan/plan-schema.ts';
import { post } from './posting.ts';
import { blobsOf, readSpec, resolveBase, type Blob } from './task-drafts.ts';

/** What a task may be given by itself; the same keys and bounds as in a plan. */
export const taskKeys = { ...PLAN_TASK_KEYS, title: Type.String({ minLength: 1, maxLength: TASK_LIMITS.titleMax }) };

const { run, prompt, verify, writeScope, completion, timeoutMs, idleMs, retry, base, workerName } = taskKeys;
const changes = {
  title: Type.Optional(taskKeys.title),
  run,
  prompt,
  verify,
  writeScope,
  completion,
  timeoutMs,
  idleMs,
  retry,
  base,
  workerName,
};
const ChangesSchema = closed(changes);
type Changes = Static<typeof ChangesSchema>;

export const updateTask = defineOperation({
  name: 'conductor_update_task',
  title: 'Change a task',
  description:
    'Changes a task that is not running: title, program, prompt, checks, limits. Its next run uses the new wording; approvals ' +
    'given for the old one do not count any more.',
  params: closed({ taskId, ...changes }),
  result: closed({ taskId: Type.String(), revision: Type.Integer() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, { taskId: id, ...wanted }) => {
    const actor = await needActor(context, id);
    const task = contextOf(actor, 'task');
    if (Object.keys(wanted).length === 0) {
      return said(`${id} stays as it is`, { taskId: id, revision: task.revision });
    }
    const { spec, promptBlob } = await changedSpec(context, await readSpec(context, task.spec), wanted);
    const encoded = encodeSpec(spec);
    const event = {
      type: 'task.update',
      title: spec.title,
      spec: encoded.hash,
      workerName: spec.workerName,
      retry: spec.retry,
      run: runPolicyOf(spec),
    };
    const revision = task.revision + 1;
    return post(
      context,
      { id, wanted: 'be changed' },
      {
        messages: [{ kind: 'event', to: actor.id, event }],
        blobs: blobsOf(id, encoded, promptBlob),
        result: said(`${id} is changed (revision ${String(revision)})`, { taskId: id, revision }),
      },
    );
  },
});

const changedSpec = async (
  context: HandlerContext,
  old: TaskSpec,
  wanted: Changes,
): Promise<{ readonly spec: TaskSpec; readonly promptBlob: Blob | null }> => {
  judge(old, wanted);
  const { prompt: newPrompt, base: newBase, retry: newRetry, ...plain } = wanted;
  const placed =
    newPrompt === undefined ? { prompt: old.prompt, promptBlob: old.promptBlob, blob: null } : placePrompt(newPrompt);
  const { blob, ...promptFields } = placed;
  const spec: TaskSpec = {
    ...old,
    ...plain,
    ...promptFields,
    agent: plain.run === undefined ? old.agent : 'command',
    base: newBase === undefined ? old.base : await resolveBase(context, newBase, 'base'),
    retry: { ...old.retry, ...newRetry },
  };
  return { spec, promptBlob: blob };
};

/** The words of a plan are judged as in a plan; what stays stands in for what a task cannot do without. */
const judge = (old: TaskSpec, wanted: Changes): void => {
  const stays = wanted.run === undefined && old.agent === 'pi' ? { prompt: 'stays' } : { run: 'stays' };
  parseTaskValue({ title: old.title, ...stays, ...wanted });
};
