/** Workers: made by name, shown, repaired, cleaned up. */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import type { GateId } from '../machines/ids.ts';
import type { StoredActor } from '../persistence/store.ts';
import type { Message } from '../supervisor/kernel/kernel.ts';
import { WORKER_NAME_PATTERN } from '../supervisor/specs/task-spec.ts';
import { contextOf, needActor, type HandlerContext } from './operation-context.ts';
import { DECIDERS, defineOperation, READERS, said } from './operation.ts';
import {
  closed,
  gateId,
  maybeText,
  objectiveId,
  oneOf,
  optional,
  pageParams,
  WORKER_STATES,
  workerId,
} from './parameter-schemas.ts';
import { invalidState, post } from './posting.ts';
import { pageSchema, WorkerItemSchema } from './read-models/item-schemas.ts';
import { workerItem } from './read-models/items.ts';
import { listItems } from './read-models/lists.ts';
import { pageText, workerLine } from './read-models/lines.ts';

const name = Type.String({
  pattern: WORKER_NAME_PATTERN,
  patternSays: 'begin with a letter or digit and hold only a-z, 0-9, ., - and _, at most 63 characters',
});
const which = { workerId: Type.Optional(workerId), name: optional(name, 'Instead of workerId.') };

/** @throws ConductorError `invalid_params` without exactly one of both, `not_found` */
const needWorker = async (
  context: HandlerContext,
  { workerId: id, name: called }: { readonly workerId?: string; readonly name?: string },
): Promise<StoredActor> => {
  if ((id === undefined) === (called === undefined))
    throw new ConductorError('invalid_params', 'give either workerId or name');
  if (id !== undefined) return needActor(context, id);
  const found = await findNamed(context, called!);
  if (found !== null) return found;
  throw new ConductorError('not_found', `there is no worker named ${called!}: conductor workers`, {
    details: { name: called },
  });
};

/** Names are unique among workers that are not archived. */
const findNamed = async ({ reader }: HandlerContext, called: string): Promise<StoredActor | null> =>
  (await reader.listActors({ kind: 'worker', name: called, live: true, limit: 1 })).items[0] ?? null;

export const createWorker = defineOperation({
  name: 'conductor_create_worker',
  title: 'Create a worker',
  description: 'Makes a named place to work: a branch and a worktree. Tasks with that workerName use it alone.',
  params: closed({ name }),
  result: closed({ workerId: Type.String(), name: Type.String(), branch: Type.String(), worktreePath: Type.String() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const taken = await findNamed(context, params.name);
    if (taken !== null) {
      throw new ConductorError('conflict', `a worker named ${params.name} exists: ${taken.id}`, {
        details: { workerId: taken.id },
      });
    }
    const id = context.newId('worker');
    const plan = await context.workspaces.planBranch({ slugs: [params.name], shortId: id.slice(-6) });
    const input = {
      workerId: id,
      name: params.name,
      objectiveId: null,
      ...plan,
      reservedBy: null,
      at: context.clock.now(),
    };
    const result = said(`${id} ${params.name} is being made on ${plan.branch}`, {
      workerId: id as string,
      name: params.name,
      ...plan,
    });
    return post(context, { id, wanted: 'be made' }, { messages: [{ kind: 'create', id, input }], result });
  },
});

export const recoverWorker = defineOperation({
  name: 'conductor_recover_worker',
  title: 'Recover a worker',
  description:
    'Brings the worktree of a broken worker back from its branch. What stands in the way is moved aside, not deleted.',
  params: closed(which),
  result: closed({ workerId: Type.String(), state: Type.String() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const { id } = await needWorker(context, params);
    const result = said(`${id} is being recovered`, { workerId: id as string, state: 'recovering' });
    const messages = [{ kind: 'event', to: id, event: { type: 'worker.recover' } }] as const;
    return post(context, { id, wanted: 'be recovered' }, { messages, result });
  },
});

export const restoreWorker = defineOperation({
  name: 'conductor_restore_worker',
  title: 'Restore what a worker left',
  description:
    'Brings back, byte for byte, what a cleanup or a new run put aside: uncommitted, untracked and copied ignored files. ' +
    'Where the worktree stood must be free.',
  params: closed({
    ...which,
    ref: optional(Type.String({ minLength: 1, maxLength: 255 }), 'Which of its rescues. Default: the newest.'),
  }),
  result: closed({
    workerId: Type.String(),
    worktreePath: Type.String(),
    branch: Type.String(),
    files: Type.Integer({ minimum: 0 }),
  }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const { id } = await needWorker(context, params);
    const { ref } = params;
    const restored = await context.workspaces.restore({ workerId: id, ...(ref === undefined ? {} : { ref }) });
    const { worktreePath, branch, files } = restored;
    const text = `${worktreePath} is back on ${branch}, ${String(files)} ${files === 1 ? 'file' : 'files'} beside what was committed`;
    return said(text, { workerId: id as string, worktreePath, branch, files });
  },
});

export const cleanupWorker = defineOperation({
  name: 'conductor_cleanup_worker',
  title: 'Clean a worker up',
  description:
    'Removes the worktree of an idle or broken worker; everything uncommitted is rescued first and its branch stays. Held for an ' +
    'unfinished task an agent needs a destructive_cleanup gate that a human approved: without one the gate is opened and named.',
  params: closed({ ...which, gateId: optional(gateId, 'The approved gate. Default: the one that is there.') }),
  result: closed({ workerId: Type.String(), changed: Type.Boolean(), state: Type.String(), gateId: maybeText }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const worker = await needWorker(context, params);
    const { id, facts } = worker;
    if (facts.settled) {
      const details = { workerId: id as string, changed: false, state: facts.state, gateId: null };
      return said(`${id} is ${facts.state} already`, details);
    }
    if (!['idle', 'broken'].includes(facts.state)) {
      throw invalidState({ id, wanted: 'be cleaned up' }, facts.state, 'not_in_state');
    }
    const isHeld = contextOf(worker, 'worker').heldFor !== null;
    const gate = params.gateId === undefined ? await cleanupGate(context, id) : await needActor(context, params.gateId);
    if (params.gateId !== undefined) checkCleanupGate(gate!, id);
    const isApproved = gate?.facts.state === 'approved';
    // A person who asks for it is the answer that the gate would ask for: what is not committed is put aside all the same.
    if (isHeld && context.principal !== 'human' && !isApproved) return askForCleanup(context, worker, gate);
    const used = isApproved ? (gate!.id as GateId) : null;
    const details = { workerId: id as string, changed: true, state: 'cleaning', gateId: used as string | null };
    const event = { type: 'worker.cleanup', gateId: used };
    return post(
      context,
      { id, wanted: 'be cleaned up' },
      {
        messages: [...letGo(worker, used), { kind: 'event', to: id, event }],
        result: said(`${id} is being cleaned up; its branch stays`, details),
      },
    );
  },
});

/** @throws ConductorError `invalid_state`, `invalid_params` */
/** Without a gate the worker lets go of the task whose work it holds first. */
const letGo = (worker: StoredActor, gate: GateId | null): readonly Message[] => {
  const { heldFor } = contextOf(worker, 'worker');
  if (heldFor === null || gate !== null) return [];
  return [{ kind: 'event', to: worker.id, event: { type: 'worker.unhold', taskId: heldFor } }];
};

const checkCleanupGate = (gate: StoredActor, id: string): void => {
  const { operation, workerId: about } = contextOf(gate, 'gate');
  if (operation !== 'destructive_cleanup' || about !== id) {
    throw new ConductorError('invalid_params', `${gate.id} is not about cleaning ${id} up`);
  }
  if (gate.facts.state !== 'approved')
    throw invalidState({ id: gate.id, wanted: 'be used' }, gate.facts.state, 'not_approved');
};

/** The newest gate about this cleanup that is approved, else the newest that is open. Decided and used ones do not count. */
const cleanupGate = async ({ reader }: HandlerContext, id: string): Promise<StoredActor | null> => {
  for (const state of ['approved', 'open']) {
    const { items } = await reader.listActors({ kind: 'gate', state, workerId: id, limit: 100 });
    const found = items.find((gate) => contextOf(gate, 'gate').operation === 'destructive_cleanup');
    if (found !== undefined) return found;
  }
  return null;
};

const askForCleanup = async (context: HandlerContext, worker: StoredActor, open: StoredActor | null) => {
  const { heldFor, objectiveId: objective, branch } = contextOf(worker, 'worker');
  const id = (open?.id ?? context.newId('gate')) as GateId;
  const details = { workerId: worker.id as string, changed: false, state: worker.facts.state, gateId: id as string };
  const result = said(
    `${worker.id} is held for ${heldFor ?? 'a task'}: a human has to approve ${id}, then clean up again`,
    details,
  );
  if (open !== null) return result;
  const input = {
    gateId: id,
    gateType: 'destructive_cleanup',
    operation: 'destructive_cleanup',
    targetRevision: null,
    taskId: heldFor,
    runId: null,
    workerId: worker.id,
    objectiveId: objective,
    subject: 'none',
    ask: `Remove the worktree of ${worker.id} (${branch})? Unfinished work of ${heldFor ?? 'a task'} lies there; it is rescued first.`,
    askedBy: 'system',
    humanOnly: true,
    expiresAt: null,
    at: context.clock.now(),
  };
  return post(context, { id, wanted: 'be opened' }, { messages: [{ kind: 'create', id, input }], result });
};

export const getWorker = defineOperation({
  name: 'conductor_get_worker',
  title: 'Show a worker',
  description: 'A worker: its state, branch and worktree, and for which task it is held.',
  params: closed(which),
  result: closed({ worker: WorkerItemSchema }),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const worker = workerItem(await needWorker(context, params));
    return said(workerLine(worker), { worker });
  },
});

export const listWorkers = defineOperation({
  name: 'conductor_list_workers',
  title: 'List workers',
  description: 'Workers, newest first; archived ones only when asked for.',
  params: closed({
    state: Type.Optional(oneOf(WORKER_STATES)),
    objectiveId: Type.Optional(objectiveId),
    includeArchived: optional(Type.Boolean(), 'Default: false.'),
    ...pageParams,
  }),
  result: pageSchema(WorkerItemSchema),
  principals: READERS,
  mutates: false,
  handler: async (context, { includeArchived = false, ...filter }) => {
    const live = !includeArchived && filter.state === undefined ? true : undefined;
    const page = await listItems(context, 'worker', { ...filter, live });
    return said(pageText(page, workerLine, 'workers'), page);
  },
});

export const workerOperations = [
  createWorker,
  recoverWorker,
  cleanupWorker,
  restoreWorker,
  getWorker,
  listWorkers,
] as const;
