/**
 * People and parent agents: they create plans, cancel, retry, decide and answer, with the messages that operations post; what
 * deciders.ts does they do with operations.
 */
import type { ActorId } from '../../src/machines/ids.ts';
import { messagesOf } from '../../src/operations/task-drafts.ts';
import type { Message } from '../../src/supervisor/kernel/kernel.ts';
import { createSpec, type TaskSpec } from '../../src/supervisor/specs/task-spec.ts';
import { Deciders } from './deciders.ts';
import type { Invariants } from './invariants.ts';
import type { Requests } from './requests.ts';
import { commitId } from './virtual-git.ts';
import type { World } from './world.ts';

/** What somebody does, as often as its weight says; plans as long as little is open. */
const WEIGHTS = {
  loose: 3,
  start: 5,
  cancelTask: 3,
  cancelRun: 2,
  cancelObjective: 1,
  retry: 10,
  accept: 6,
  gate: 22,
  assign: 2,
  recover: 5,
  cleanup: 2,
  activate: 4,
  resize: 1,
  repeat: 3,
  update: 1,
  askGate: 3,
  resolveGate: 4,
  askCleanup: 5,
} as const;
const CROWD_WEIGHTS = { resize: 10, update: 10, assign: 3, start: 1, retry: 2, repeat: 1, resolveGate: 1 } as const;
/** People of one crowd. */
const CROWD_MAX = 60;
type Act = keyof typeof WEIGHTS;
type Told =
  | 'cancelTask'
  | 'cancelRun'
  | 'cancelObjective'
  | 'retry'
  | 'accept'
  | 'recover'
  | 'cleanup'
  | 'activate'
  | 'resize';

const PLAN_TASKS = { one: 30, few: 45, some: 20, many: 5 } as const;
const TASK_COUNT = { one: [1, 1], few: [2, 5], some: [6, 12], many: [13, 30] } as const;

export class People {
  readonly #world: World;
  readonly #invariants: Invariants;
  readonly #requests: Requests;
  readonly #deciders: Deciders;
  #objectives = 0;

  constructor(world: World, invariants: Invariants, requests: Requests) {
    this.#world = world;
    this.#invariants = invariants;
    this.#requests = requests;
    this.#deciders = new Deciders(world, invariants, requests);
  }

  /** One thing that somebody does. */
  act(): void {
    const open = this.#world.disk.ids.of('task live').length;
    this.#do(this.#world.chance.weighted({ ...WEIGHTS, plan: open > 60 ? 0 : 14 }));
  }

  /** Many at once, more than the mailbox has room for: small requests of all kinds. */
  crowd(): void {
    for (let left = this.#world.chance.int(20, CROWD_MAX); left > 0; left -= 1) {
      this.#do(this.#world.chance.weighted(CROWD_WEIGHTS));
    }
  }

  #do(what: Act | 'plan'): void {
    const deciders = this.#deciders;
    const acts: Partial<Record<Act | 'plan', () => void>> = {
      plan: () => this.#plan(),
      loose: () => this.#loose(),
      start: () => deciders.start(),
      askGate: () => deciders.createGate(),
      resolveGate: () => deciders.resolve(),
      askCleanup: () => deciders.cleanUp(),
      repeat: () => this.#requests.repeat(),
      update: () => this.#update(),
      gate: () => this.#decide(),
      assign: () => this.#assign(),
    };
    const act = acts[what];
    if (act === undefined) this.#tell(what as Told);
    else act();
  }

  #plan(): void {
    const { chance } = this.#world;
    this.#objectives += 1;
    const objectiveId = this.#world.newId('objective') as ActorId;
    const at = this.#world.time.wall;
    const [min, max] = TASK_COUNT[chance.weighted(PLAN_TASKS)];
    const count = chance.int(min, max);
    const ids = Array.from({ length: count }, () => this.#world.newId('task') as ActorId);
    const draft = chance.is(0.1);
    const parts = ids.map((taskId, place) => {
      const spec = this.#spec(`t${String(place)}`, ids.slice(0, place));
      this.#invariants.dependencies.set(
        taskId,
        spec.dependsOn.map((on) => on.taskId),
      );
      return messagesOf(
        { taskId: taskId as never, objectiveId: objectiveId as never, spec, draft: false, promptBlob: null },
        at,
      );
    });
    const create: Message = {
      kind: 'create',
      id: objectiveId,
      input: {
        objectiveId,
        title: `goal ${String(this.#objectives % 50)}`,
        prompt: null,
        maxConcurrency: chance.int(1, 6),
        baseCommit: commitId('HEAD'),
        draft,
        at,
      },
    };
    const all = parts.flatMap(({ messages }) => messages);
    this.#requests.post({
      messages: [create, ...all.filter(isCreation), ...all.filter((message) => !isCreation(message))],
      blobs: parts.flatMap(({ blobs }) => blobs),
      principal: 'human',
    });
  }

  #spec(planId: string, before: readonly ActorId[]): TaskSpec {
    const { chance } = this.#world;
    const dependsOn = before
      .filter(() => chance.is(Math.min(0.5, 1.5 / before.length)))
      .slice(0, 6)
      .map((taskId) => ({ taskId: taskId as never, needs: chance.pick(['code', 'code', 'order'] as const) }));
    return createSpec({
      title: planId,
      planId,
      ...(chance.is(0.01) ? {} : { run: ['agent', planId] }),
      dependsOn,
      workerName: chance.is(0.1) ? `worker-${String(chance.int(1, 5))}` : null,
      writeScope: chance.is(0.2) ? [chance.pick(['src', 'src/deep', 'docs'])] : [],
      setup: chance.is(0.2) ? ['npm ci'] : [],
      verify: chance.is(0.5) ? ['npm test'] : [],
      completion: chance.pick(['explicit', 'exit-code']),
      retry: { maxAttempts: chance.int(1, 4), backoffMs: chance.pick([0, 1_000, 20_000]), backoffMaxMs: 60_000 },
      restart: {
        intensity: chance.int(0, 3),
        periodMs: 600_000,
        backoffMs: chance.pick([0, 1_000]),
        backoffMaxMs: 30_000,
      },
      timeoutMs: chance.pick([120_000, 600_000]),
      idleMs: chance.pick([30_000, 120_000]),
      envNames: chance.is(0.01) ? ['API_KEY'] : [],
      mayFollowUp: chance.is(0.5),
    });
  }

  /** A task of no objective, to be started by name. */
  #loose(): void {
    const taskId = this.#world.newId('task') as ActorId;
    const spec = this.#spec('loose', []);
    const draft = {
      taskId: taskId as never,
      objectiveId: null,
      spec,
      draft: this.#world.chance.is(0.3),
      promptBlob: null,
    };
    this.#requests.post({ ...messagesOf(draft, this.#world.time.wall), principal: 'parent_agent' });
  }

  #assign(): void {
    const [to, workerId] = [this.#pick('task state ready'), this.#pick('worker state idle')];
    if (to === null || workerId === null) return;
    this.#event(to, { type: 'task.assign', workerId });
  }

  #update(): void {
    const to = this.#pick('task state ready');
    const task = to === null ? undefined : this.#invariants.actors.get(to);
    if (task === undefined) return;
    const { title, spec, workerName, retry, run } = task.snapshot.context;
    this.#event(task.id, { type: 'task.update', title, spec, workerName, retry, run });
  }

  #decide(): void {
    const { chance } = this.#world;
    const to = this.#pick('gate state open') ?? this.#pick('gate state approved');
    if (to === null) return;
    const principal = chance.pick(['human', 'human', 'parent_agent', 'child_run'] as const);
    const by = { principal, reason: 'so be it' };
    const how = chance.weighted({ approve: 70, reject: 20, cancel: 10 });
    const event = how === 'approve' ? { type: 'gate.approve', ...by, answer: 'left' } : { type: `gate.${how}`, ...by };
    this.#event(to, event);
  }

  #tell(what: Told): void {
    const reason = 'asked for';
    const retryable = this.#world.chance.pick(['failed', 'blocked', 'canceled', 'needs_review']);
    const table = {
      cancelTask: ['task live', { type: 'task.cancel', reason }],
      cancelRun: ['run live', { type: 'run.cancel', reason }],
      cancelObjective: ['objective live', { type: 'objective.cancel', reason }],
      retry: [`task state ${retryable}`, { type: 'task.retry' }],
      accept: ['task state needs_review', { type: 'task.accept', principal: 'human', reason }],
      recover: ['worker state broken', { type: 'worker.recover' }],
      cleanup: [
        `worker state ${this.#world.chance.pick(['idle', 'broken'])}`,
        { type: 'worker.cleanup', gateId: null },
      ],
      activate: ['objective state draft', { type: 'objective.activate' }],
      resize: [
        'objective live',
        { type: 'objective.update', title: 'another goal', maxConcurrency: this.#world.chance.int(1, 6) },
      ],
    } as const;
    const [where, event] = table[what];
    const to = this.#pick(where);
    if (to !== null) this.#event(to, event);
  }

  #event(to: string, event: { readonly type: string; readonly [field: string]: unknown }): void {
    this.#requests.post({ messages: [{ kind: 'event', to: to as ActorId, event }], principal: 'human' });
  }

  #pick(where: string): string | null {
    const ids = this.#world.disk.ids.of(where);
    return ids.length === 0 ? null : this.#world.chance.pick(ids);
  }
}

const isCreation = ({ kind }: Message): boolean => kind === 'create';
