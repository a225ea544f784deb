/**
 * People and parent agents who ask with operations, as a host calls them: gates that expire, cleanups that need one, runs that
 * are started by name. The operations are the real ones.
 */
import { isConductorError } from '../../src/machines/errors.ts';
import { GATE_TYPES } from '../../src/machines/gate/model.ts';
import { gateOperations } from '../../src/operations/gate-operations.ts';
import { invokeOperation, type Catalogue } from '../../src/operations/invoke-operation.ts';
import type { OperationContext } from '../../src/operations/operation-context.ts';
import type { Operation, OperationResult } from '../../src/operations/operation.ts';
import { runOperations } from '../../src/operations/run-operations.ts';
import { workerOperations } from '../../src/operations/worker-operations.ts';
import type { GateContext } from '../../src/machines/gate/model.ts';
import type { Kernel } from '../../src/supervisor/kernel/kernel.ts';
import type { Invariants } from './invariants.ts';
import type { Requests } from './requests.ts';
import type { Supervisor } from './supervisor.ts';
import type { World } from './world.ts';

const operations: readonly Operation[] = [
  ...(gateOperations as unknown as readonly Operation[]),
  ...(runOperations as unknown as readonly Operation[]),
  ...(workerOperations as unknown as readonly Operation[]),
];
const catalogue: Catalogue = new Map(operations.map((operation) => [operation.name, operation]));

/** What an operation may answer when the world has moved on, or cannot be written. */
const EVERYDAY = [
  'invalid_state',
  'refused',
  'not_permitted',
  'not_found',
  'git_failed',
  'git_locked',
  'store_full',
  'supervisor_away',
  'overloaded',
  'outcome_unknown',
  'internal',
];
/** Time that a gate may have: some are over before anybody looks, in ms. */
const EXPIRIES_MS = [1_000, 20_000, 120_000, 1_200_000];

type Who = 'human' | 'parent_agent';

export class Deciders {
  readonly #world: World;
  readonly #invariants: Invariants;
  readonly #requests: Requests;

  constructor(world: World, invariants: Invariants, requests: Requests) {
    this.#world = world;
    this.#invariants = invariants;
    this.#requests = requests;
  }

  /** A question of somebody outside of any run, mostly with an end. */
  createGate(): void {
    const { chance } = this.#world;
    const about = chance.weighted({ nothing: 1, objective: 3, task: 3, run: 2 });
    const id = about === 'nothing' ? null : this.#pick(`${about} live`);
    this.#ask('conductor_create_gate', this.#who(), {
      type: chance.pick(GATE_TYPES),
      requestedDecision: 'May this be done?',
      ...(id === null ? {} : { resourceRefs: { [`${about}Id`]: id } }),
      ...(chance.is(0.8) ? { expiresAt: this.#expiry() } : {}),
    });
  }

  resolve(): void {
    const { chance } = this.#world;
    const gateId = this.#pick('gate state open');
    if (gateId === null) return;
    const status = chance.weighted({ approved: 70, rejected: 20, canceled: 10 });
    this.#ask('conductor_resolve_gate', this.#who(), { gateId, status, resolutionReason: 'so be it' });
  }

  /** Asks for a cleanup; who may not have it gets a gate, which is decided before or after it expires, or never. */
  cleanUp(): void {
    const { chance } = this.#world;
    const workerId = this.#pick(`worker state ${chance.pick(['idle', 'broken'])}`);
    if (workerId === null) return;
    const what = chance.weighted({ ask: 6, askWithEnd: 4, approve: 10 });
    if (what === 'ask') return this.#ask('conductor_cleanup_worker', this.#who(), { workerId });
    if (what === 'approve') return this.#approveCleanup();
    this.#ask('conductor_create_gate', 'parent_agent', {
      type: 'destructive_cleanup',
      requestedDecision: 'May it go?',
      resourceRefs: { workerId },
      expiresAt: this.#expiry(),
    });
  }

  start(): void {
    const taskId = this.#pick('task state ready') ?? this.#pick('task state assigned');
    if (taskId !== null) this.#ask('conductor_start_task_run', this.#who(), { taskId });
  }

  /** A human says yes; then the agent asks again, at once or when it may be too late. */
  #approveCleanup(): void {
    const { disk, chance, time, life } = this.#world;
    const asked = disk.ids.of('gate state open').flatMap((gateId) => {
      const gate = this.#invariants.actors.get(gateId)?.snapshot.context as GateContext | undefined;
      const isCleanup = gate?.operation === 'destructive_cleanup' && gate.workerId !== null;
      return isCleanup ? [{ gateId, workerId: gate.workerId }] : [];
    });
    if (asked.length === 0) return;
    const { gateId, workerId } = chance.pick(asked);
    this.#ask('conductor_resolve_gate', 'human', { gateId, status: 'approved', resolutionReason: 'it may go' });
    time.after(life, chance.wait(chance.pick([1_000, 60_000])), () => {
      const named = chance.is(0.5) ? { gateId } : {};
      this.#ask('conductor_cleanup_worker', 'parent_agent', { workerId, ...named });
    });
  }

  #who(): Who {
    return this.#world.chance.pick(['human', 'parent_agent', 'parent_agent'] as const);
  }

  #expiry(): string {
    return new Date(this.#world.time.wall + this.#world.chance.pick(EXPIRIES_MS)).toISOString();
  }

  #ask(name: string, principal: Who, params: unknown): void {
    const supervisor = this.#requests.supervisor();
    if (supervisor === null) return;
    const { witness } = this.#world;
    const hear = ({ details }: OperationResult<unknown>): void => {
      const { gateId, changed, status } = details as {
        readonly gateId?: string | null;
        readonly changed?: boolean;
        readonly status?: string;
      };
      if (status === 'queued') witness.fault('start was queued');
      if (name !== 'conductor_cleanup_worker' || gateId == null) return;
      witness.fault(changed === true ? 'cleanup under a gate' : 'cleanup asks first');
    };
    const fail = (error: unknown): void => {
      const isOurs = !isConductorError(error) || error.cause instanceof TypeError;
      if (!isOurs && EVERYDAY.includes(error.code)) return;
      witness.broken('operations give everyday errors', name, error instanceof Error ? error.message : String(error));
    };
    invokeOperation(catalogue, { name, params }, this.#contextOf(supervisor, principal)).then(hear, fail);
  }

  #contextOf(supervisor: Supervisor, principal: Who): OperationContext {
    const { clock, workspaces } = supervisor.parts!;
    const kernel = supervisor.kernel!;
    const asked: Pick<Kernel, 'read' | 'peek' | 'post'> = {
      read: (id) => kernel.read(id),
      peek: (id) => kernel.peek(id),
      post: (post) => this.#requests.ask(post),
    };
    const context: Partial<OperationContext> = {
      kernel: asked as Kernel,
      reader: kernel.store,
      principal,
      requestId: this.#requests.newId(),
      clock,
      newId: (kind) => this.#world.newId(kind) as never,
      workspaces,
      scheduler: {
        queuePlace: (taskId) => supervisor.scheduler?.queuePlace(taskId) ?? null,
        poke: () => supervisor.scheduler?.poke(),
        reasons: () => Promise.resolve(new Map()),
      },
      grants: { keep: () => undefined },
      chooseWorker: async (task, wanted) => {
        const placement = await supervisor.scheduler?.place(task, wanted);
        if (placement?.kind !== 'placed') return { waits: placement?.reason ?? 'the scheduler is away' };
        return { workerId: placement.workerId as never, newWorker: placement.newWorker };
      },
    };
    return context as OperationContext;
  }

  #pick(where: string): string | null {
    const ids = this.#world.disk.ids.of(where);
    return ids.length === 0 ? null : this.#world.chance.pick(ids);
  }
}
