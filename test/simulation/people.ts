/**
 * People and parent agents: they create plans, start, cancel, retry, decide and answer, with the messages that operations post.
 * Each post has a request id; what they were told is compared with what the disk holds.
 */
import type { ActorId } from '../../src/machines/ids.ts';
import { isConductorError } from '../../src/machines/errors.ts';
import { messagesOf } from '../../src/operations/task-drafts.ts';
import type { Message, Outcome, Post } from '../../src/supervisor/kernel/kernel.ts';
import { createSpec, type TaskSpec } from '../../src/supervisor/specs/task-spec.ts';
import type { Invariants } from './invariants.ts';
import type { Supervisor } from './supervisor.ts';
import { commitId } from './virtual-git.ts';
import type { World } from './world.ts';

type Asked = { readonly post: Post; readonly id: string; sent: number };

const PLAN_TASKS = { one: 30, few: 45, some: 20, many: 5 } as const;
const TASK_COUNT = { one: [1, 1], few: [2, 5], some: [6, 12], many: [13, 30] } as const;

export class People {
  readonly #world: World;
  readonly #invariants: Invariants;
  readonly #supervisor: () => Supervisor | null;
  readonly #acknowledged: Asked[] = [];
  readonly #unanswered: Asked[] = [];
  #requests = 0;
  #objectives = 0;

  constructor(world: World, invariants: Invariants, supervisor: () => Supervisor | null) {
    this.#world = world;
    this.#invariants = invariants;
    this.#supervisor = supervisor;
  }

  /** One thing that somebody does. */
  act(): void {
    const open = this.#world.disk.ids.of('task live').length;
    const what = this.#world.chance.weighted({
      plan: open > 60 ? 0 : 14,
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
    });
    if (what === 'plan') this.#plan();
    else if (what === 'loose') this.#loose();
    else if (what === 'start') this.#start();
    else if (what === 'repeat') this.#repeat();
    else if (what === 'update') this.#update();
    else if (what === 'gate') this.#decide();
    else if (what === 'assign') this.#assign();
    else this.#tell(what);
  }

  /** Everything that was acknowledged is on the disk; what was told to have failed is not. */
  checkAcknowledged(): void {
    for (const { id, post } of this.#acknowledged) {
      if (!this.#world.disk.requests.has(id)) {
        this.#world.witness.broken(
          'acknowledged posts are found after reopening',
          id,
          JSON.stringify(post.messages[0]),
        );
      }
    }
    this.#acknowledged.length = 0;
  }

  #post(post: Omit<Post, 'request'>): void {
    this.#requests += 1;
    const id = `request-${String(this.#requests)}`;
    this.#send({ id, post: { ...post, request: { id, hash: id, result: { id } } }, sent: 0 });
  }

  #send(asked: Asked): void {
    const supervisor = this.#supervisor();
    if (supervisor?.kernel == null || supervisor.isStopping) return;
    const { witness, disk } = this.#world;
    const { id, post } = asked;
    if (!this.#unanswered.includes(asked)) this.#unanswered.push(asked);
    asked.sent += 1;
    const answered = (): void => {
      const place = this.#unanswered.indexOf(asked);
      if (place >= 0) this.#unanswered.splice(place, 1);
    };
    const hear = (outcome: Outcome): void => {
      answered();
      if (outcome.kind === 'applied' || outcome.kind === 'repeated') this.#acknowledged.push(asked);
      if (outcome.kind === 'applied' && !disk.requests.has(id)) {
        witness.broken('an acknowledged post is stored', id, JSON.stringify(post.messages[0]));
      }
      // Asked twice, each is answered for itself: the other one may be what is found.
      const isRefused = asked.sent === 1 && (outcome.kind === 'ignored' || outcome.kind === 'refused');
      if (isRefused && disk.requests.has(id)) witness.broken('told refused, and found', id, outcome.reason);
    };
    const fail = (error: unknown): void => {
      if (isConductorError(error, 'outcome_unknown')) return;
      answered();
      if (asked.sent === 1 && disk.requests.has(id)) witness.broken('told failed, and found', id, String(error));
      const isExpected =
        isConductorError(error) && ['store_full', 'not_found', 'supervisor_away', 'internal'].includes(error.code);
      if (!isExpected) witness.broken('people get everyday errors', id, String(error));
    };
    // When the supervisor dies before it answers, the post stays without an answer and may be asked for again.
    supervisor.kernel.post(post).then(hear, fail);
  }

  #repeat(): void {
    if (this.#unanswered.length === 0) return;
    const asked = this.#world.chance.pick(this.#unanswered);
    this.#world.witness.fault('request repeated');
    this.#send(asked);
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
    this.#post({
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
    this.#post({ ...messagesOf(draft, this.#world.time.wall), principal: 'parent_agent' });
  }

  /** As `conductor_start_task_run`: asks the scheduler for a place, then posts; the scheduler gives it a slot. */
  #start(): void {
    const id = this.#pick('task state ready') ?? this.#pick('task state assigned');
    const supervisor = this.#supervisor();
    if (id === null || supervisor?.kernel == null) return;
    void (async () => {
      const task = await supervisor.kernel!.read(id);
      const { scheduler } = supervisor;
      if (task === null || scheduler === null) return;
      const placement = await scheduler.place(task).catch(() => null);
      if (placement?.kind !== 'placed') return;
      const { workerId, newWorker } = placement;
      const event = { type: 'task.start', runId: this.#world.newId('run'), workerId, newWorker, dispatch: false };
      this.#post({ messages: [{ kind: 'event', to: id as ActorId, event }], principal: 'human' });
    })();
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

  #tell(
    what:
      | 'cancelTask'
      | 'cancelRun'
      | 'cancelObjective'
      | 'retry'
      | 'accept'
      | 'recover'
      | 'cleanup'
      | 'activate'
      | 'resize',
  ): void {
    const reason = 'asked for';
    const retryable = this.#world.chance.pick(['failed', 'blocked', 'canceled', 'needs_review']);
    const table = {
      cancelTask: ['task live', { type: 'task.cancel', reason }],
      cancelRun: ['run live', { type: 'run.cancel', reason }],
      cancelObjective: ['objective live', { type: 'objective.cancel', reason }],
      retry: [`task state ${retryable}`, { type: 'task.retry' }],
      accept: ['task state needs_review', { type: 'task.accept', principal: 'human', reason }],
      recover: ['worker state broken', { type: 'worker.recover' }],
      cleanup: ['worker state idle', { type: 'worker.cleanup', gateId: null }],
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
    this.#post({ messages: [{ kind: 'event', to: to as ActorId, event }], principal: 'human' });
  }

  #pick(where: string): string | null {
    const ids = this.#world.disk.ids.of(where);
    return ids.length === 0 ? null : this.#world.chance.pick(ids);
  }
}

const isCreation = ({ kind }: Message): boolean => kind === 'create';
