/**
 * Gates: questions asked, shown, decided.
 *
 * Nothing here lets a caller claim to be a human: who decides is the principal of the call, which the host's channel knows.
 */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import {
  GATE_OPERATIONS,
  GATE_TYPES,
  HIGH_RISK_GATE_TYPES,
  type GateOperation,
  type GateType,
} from '../machines/gate/model.ts';
import type { GateId } from '../machines/ids.ts';
import { TEXT_MAX } from '../machines/schema.ts';
import type { StoredActor } from '../persistence/store.ts';
import { contextOf, needActor, type HandlerContext } from './operation-context.ts';
import { DECIDERS, defineOperation, READERS, said } from './operation.ts';
import {
  closed,
  gateId,
  GATE_STATES,
  objectiveId,
  oneOf,
  optional,
  pageParams,
  reason,
  runId,
  taskId,
  workerId,
} from './parameter-schemas.ts';
import { invalidState, post } from './posting.ts';
import { GateItemSchema, pageSchema } from './read-models/item-schemas.ts';
import { gateItem } from './read-models/items.ts';
import { listGates } from './read-models/lists.ts';
import { gateLine, pageText } from './read-models/lines.ts';

const ask = Type.String({ minLength: 1, maxLength: TEXT_MAX });

const DEFAULT_OPERATION: { readonly [Type in GateType]: GateOperation } = {
  needs_input: 'resolve_blocker',
  needs_review: 'resolve_blocker',
  approval_required: 'resolve_blocker',
  ready_for_pr: 'create_worker_pr',
  destructive_cleanup: 'destructive_cleanup',
};

export const createGate = defineOperation({
  name: 'conductor_create_gate',
  title: 'Ask for a decision',
  description:
    'Opens a gate: a question that stays until somebody decides it. approval_required, ready_for_pr and destructive_cleanup are ' +
    'approved by a human only. An approval allows one operation once.',
  params: closed({
    type: oneOf(GATE_TYPES),
    requestedDecision: ask,
    resourceRefs: optional(
      closed({
        objectiveId: Type.Optional(objectiveId),
        taskId: Type.Optional(taskId),
        runId: Type.Optional(runId),
        workerId: Type.Optional(workerId),
      }),
      'What it is about.',
    ),
    operation: optional(
      oneOf(GATE_OPERATIONS.filter((operation) => operation !== 'accept_task')),
      'What an approval allows. Default: by type.',
    ),
    targetRevision: optional(Type.Integer({ minimum: 0 }), 'The revision that an approval is good for. Default: any.'),
    expiresAt: optional(
      Type.String({
        pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,3})?)?(Z|[+-]\\d{2}:\\d{2})$',
        patternSays: 'be a time such as 2027-01-31T12:00:00Z',
      }),
      'When it closes by itself. Default: never.',
    ),
  }),
  result: closed({ gateId: Type.String(), state: Type.String(), humanOnly: Type.Boolean() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const refs = await neededRefs(context, params.resourceRefs ?? {});
    const id = context.newId('gate');
    const humanOnly = HIGH_RISK_GATE_TYPES.includes(params.type);
    const input = {
      gateId: id,
      gateType: params.type,
      operation: params.operation ?? DEFAULT_OPERATION[params.type],
      targetRevision: params.targetRevision ?? null,
      ...refs,
      subject: 'none',
      ask: params.requestedDecision,
      askedBy: context.principal,
      humanOnly,
      expiresAt: params.expiresAt === undefined ? null : expiryOf(context, params.expiresAt),
      at: context.clock.now(),
    };
    const result = said(`${id} is open${humanOnly ? '; only a human approves it' : ''}`, {
      gateId: id as string,
      state: 'open',
      humanOnly,
    });
    return post(context, { id, wanted: 'be opened' }, { messages: [{ kind: 'create', id, input }], result });
  },
});

/** What a gate names must exist; what those belong to is filled in, so that the gate is found from everywhere. */
const neededRefs = async (context: HandlerContext, named: Refs) => {
  const run = await needed(context, named.runId);
  const ofRun = run === null ? null : contextOf(run, 'run');
  const task = await needed(context, named.taskId ?? ofRun?.taskId);
  const worker = await needed(context, named.workerId ?? ofRun?.workerId);
  const objective = await needed(context, named.objectiveId ?? objectiveOf(task));
  return { runId: idOf(run), taskId: idOf(task), workerId: idOf(worker), objectiveId: idOf(objective) };
};

const idOf = (actor: StoredActor | null): string | null => (actor === null ? null : actor.id);
const objectiveOf = (task: StoredActor | null): string | undefined => task?.facts.objectiveId ?? undefined;

type Refs = {
  readonly objectiveId?: string;
  readonly taskId?: string;
  readonly runId?: string;
  readonly workerId?: string;
};

const needed = async (context: HandlerContext, id: string | undefined): Promise<StoredActor | null> =>
  id === undefined ? null : needActor(context, id);

const expiryOf = (context: HandlerContext, text: string): number => {
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new ConductorError('invalid_params', 'expiresAt is no time that exists');
  if (at <= context.clock.now()) throw new ConductorError('invalid_params', 'expiresAt has passed already');
  return at;
};

const VERBS = { approved: 'approve', rejected: 'reject', canceled: 'cancel' } as const;

export const resolveGate = defineOperation({
  name: 'conductor_resolve_gate',
  title: 'Decide a gate',
  description:
    'Approves, rejects or cancels an open gate, once. An answer reaches whoever asked: a waiting run gets it at once. What only a ' +
    'human may approve is refused to everybody else.',
  params: closed({
    gateId,
    status: oneOf(['approved', 'rejected', 'canceled']),
    resolutionReason: reason,
    answer: optional(Type.String({ maxLength: TEXT_MAX }), 'With approved: the answer. Default: the reason.'),
  }),
  result: closed({ gateId: Type.String(), state: Type.String() }),
  principals: DECIDERS,
  mutates: true,
  handler: async (context, params) => {
    const actor = await needActor(context, params.gateId);
    const gate = contextOf(actor, 'gate');
    if (actor.facts.state !== 'open') {
      throw invalidState({ id: actor.id, wanted: `be ${params.status}` }, actor.facts.state, 'not_in_state');
    }
    const isHumanOnly = gate.humanOnly || HIGH_RISK_GATE_TYPES.includes(gate.gateType);
    if (params.status === 'approved' && isHumanOnly && context.principal !== 'human') {
      throw new ConductorError(
        'not_permitted',
        `${actor.id} (${gate.gateType}) is approved by a human only: conductor gate approve ${actor.id}`,
        {
          details: { gateId: actor.id, type: gate.gateType, principal: context.principal },
        },
      );
    }
    if (params.status !== 'approved' && params.answer !== undefined) {
      throw new ConductorError(
        'invalid_params',
        `answer belongs to approved: say why it is ${params.status} in resolutionReason`,
      );
    }
    const event = {
      type: `gate.${VERBS[params.status]}`,
      principal: context.principal,
      reason: params.resolutionReason,
      ...(params.status === 'approved' ? { answer: params.answer ?? params.resolutionReason } : {}),
    };
    const details = { gateId: params.gateId, state: params.status };
    const resolved = await post(
      context,
      { id: actor.id, wanted: `be ${params.status}` },
      {
        messages: [{ kind: 'event', to: actor.id as GateId, event }],
        result: said(`${actor.id} is ${params.status}`, details),
      },
    );
    context.scheduler.poke();
    return resolved;
  },
});

export const getGate = defineOperation({
  name: 'conductor_get_gate',
  title: 'Show a gate',
  description: 'A gate: what is asked by whom, what it is about, and how it was decided.',
  params: closed({ gateId }),
  result: closed({ gate: GateItemSchema }),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const gate = gateItem(await needActor(context, params.gateId));
    return said(gateLine(gate), { gate });
  },
});

export const listGatesOperation = defineOperation({
  name: 'conductor_list_gates',
  title: 'List gates',
  description: 'Gates, newest first.',
  params: closed({
    state: Type.Optional(oneOf(GATE_STATES)),
    type: Type.Optional(oneOf(GATE_TYPES)),
    objectiveId: Type.Optional(objectiveId),
    taskId: Type.Optional(taskId),
    runId: Type.Optional(runId),
    workerId: Type.Optional(workerId),
    ...pageParams,
  }),
  result: pageSchema(GateItemSchema),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const page = await listGates(context, params);
    return said(pageText(page, gateLine, 'gates'), page);
  },
});

export const gateOperations = [createGate, resolveGate, getGate, listGatesOperation] as const;
