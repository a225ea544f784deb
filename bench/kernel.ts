/**
 * What a durable step costs: one task's life, committed and fsynced message by message, beside a growing history; and how many
 * transitions per second 64 callers get through one kernel. Real machines, the SQLite store, nothing carried out.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ActorId,
  EpochMs,
  GateId,
  LeaseEpoch,
  ObjectiveId,
  RunId,
  TaskId,
  WorkerId,
} from '../src/machines/ids.ts';
import type { TaskInput } from '../src/machines/task/model.ts';
import { openSqliteStore, type SqliteStore } from '../src/persistence/sqlite-store.ts';
import { createKernel } from '../src/supervisor/kernel/create-kernel.ts';
import type { Clock, EventBody, Kernel, Message } from '../src/supervisor/kernel/kernel.ts';
import { quantile, type BenchRow } from './bench-row.ts';

/** Lives measured per row, and lives before them that warm the machine up. */
const SAMPLES = 60;
const WARM_UP = 20;
const LIFE_TARGET_MS = 2;
const RATE_TARGET = 30_000;
const CALLERS = 64;
const RATE_WARM_UP_MS = 1_000;
const RATE_ROUNDS = 5;
const RATE_ROUND_MS = 1_000;

export async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const finished of [10, 1_000, 5_000, 100_000]) {
    rows.push(await inStore(async (bench) => lifeBeside(bench, { finished, inOneObjective: false })));
  }
  rows.push(await inStore(async (bench) => lifeBeside(bench, { finished: 100_000, inOneObjective: true })));
  rows.push(await inStore(async (bench) => lifeOfHub(bench)));
  rows.push(await inStore(async (bench) => transitionsPerSecond(bench)));
  return rows;
}

type Bench = { readonly kernel: Kernel; readonly store: SqliteStore };

const onFatal = (reason: string): never => {
  throw new Error(reason);
};

async function inStore(measure: (bench: Bench) => Promise<BenchRow>): Promise<BenchRow> {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  const store = await openSqliteStore({ path: join(directory, 'conductor.db') });
  const kernel = await createKernel({ store, clock: realClock, handlers: null, onFatal });
  try {
    return await measure({ kernel, store });
  } finally {
    await kernel.stop();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The life of one task while `finished` others lie in the store. */
async function lifeBeside(
  { kernel }: Bench,
  { finished, inOneObjective }: { readonly finished: number; readonly inOneObjective: boolean },
): Promise<BenchRow> {
  const objective = await createObjective(kernel);
  await fill(kernel, finished, inOneObjective ? objective : null);
  const lives: Life[] = [];
  const worker = await createWorker(kernel, objective);
  for (let n = 0; n < WARM_UP + SAMPLES; n += 1) lives.push(await live(kernel, { objective, worker, dependents: [] }));
  const where = inOneObjective ? 'all in one objective' : 'in none';
  return lifeRow(
    `create + assign + start + progress + complete, ${finished.toLocaleString('en')} finished tasks ${where}`,
    lives,
  );
}

/** The life of a task that 10,000 others wait for: its completion tells 256 of them, the rest follows commit by commit. */
async function lifeOfHub({ kernel }: Bench): Promise<BenchRow> {
  const objective = await createObjective(kernel);
  const dependents: TaskId[] = [];
  for (let n = 0; n < 10_000; n += 1) dependents.push(nextId('task') as TaskId);
  for (let first = 0; first < dependents.length; first += 500) {
    const page = dependents.slice(first, first + 500);
    await apply(
      kernel,
      page.map((id) => createTask(id, { objective, dependencies: 1 })),
    );
  }
  const lives: Life[] = [];
  const worker = await createWorker(kernel, objective);
  for (let n = 0; n < WARM_UP; n += 1) lives.push(await live(kernel, { objective, worker, dependents: [] }));
  const tellingMs: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    // Each life is a task that all 10,000 are hung on, so that each completion is told to all of them.
    const life = await live(kernel, { objective, worker, dependents });
    const since = performance.now();
    await kernel.idle();
    tellingMs.push(performance.now() - since);
    lives.push(life);
  }
  const row = lifeRow('create + assign + start + progress + complete, one task with 10,000 dependents', lives);
  return { ...row, detail: `${row.detail}; all 10,000 told ${quantile(tellingMs, 0.5).toFixed(0)} ms later` };
}

/** Callers that each send a message, wait for its commit, and send the next: group commit at work. */
async function transitionsPerSecond({ kernel, store }: Bench): Promise<BenchRow> {
  const tasks: ActorId[] = Array.from({ length: CALLERS }, () => nextId('task'));
  await apply(
    kernel,
    tasks.map((id) => createTask(id as TaskId, { objective: null, dependencies: 0 })),
  );
  const over = new AbortController();
  let done = 0;
  const workers = Array.from({ length: CALLERS }, () => nextId('worker') as WorkerId);
  const callers = tasks.map(async (id, index) => {
    const event = { type: 'task.assign', workerId: workers[index]! };
    while (!over.signal.aborted) {
      const outcome = await kernel.post({ messages: [{ kind: 'event', to: id, event }], principal: 'system' });
      if (outcome.kind !== 'applied') throw new Error(JSON.stringify(outcome));
      done += 1;
    }
  });
  await sleep(RATE_WARM_UP_MS);
  const rates: number[] = [];
  for (let round = 0; round < RATE_ROUNDS; round += 1) {
    const before = { at: performance.now(), done };
    await sleep(RATE_ROUND_MS);
    rates.push(((done - before.done) * 1_000) / (performance.now() - before.at));
  }
  over.abort();
  await Promise.all(callers);
  const median = quantile(rates, 0.5);
  return {
    name: `durable transitions per second, ${String(CALLERS)} callers`,
    unit: '/s',
    median,
    p95: quantile(rates, 0.05),
    target: `≥ ${RATE_TARGET.toLocaleString('en')}`,
    met: median >= RATE_TARGET,
    detail: `${String(RATE_ROUNDS)} rounds of 1 s, worst ${Math.min(...rates).toFixed(0)}; ${String(await store.lastSeq())} journal entries`,
  };
}

type Life = { readonly namedMs: number; readonly wholeMs: number };

const CREATED_AT = 1_795_000_000_000 as EpochMs;
const someCommit = 'a'.repeat(40);
const spec = createHash('sha256').update('{}').digest('hex');

const tell = (to: ActorId, event: EventBody): Message => ({ kind: 'event', to, event });

/** A task from creation to completion. The five steps of the row's name are timed, the supervisor's own beside them. */
async function live(
  kernel: Kernel,
  {
    objective,
    worker,
    dependents,
  }: { readonly objective: ObjectiveId; readonly worker: WorkerId; readonly dependents: readonly TaskId[] },
): Promise<Life> {
  const task = nextId('task') as TaskId;
  const runId = nextId('run') as RunId;
  const epoch = 1 as LeaseEpoch;
  let namedMs = 0;
  let wholeMs = 0;
  const step = async (isNamed: boolean, ...messages: Message[]) => {
    const since = performance.now();
    await apply(kernel, messages);
    const tookMs = performance.now() - since;
    wholeMs += tookMs;
    if (isNamed) namedMs += tookMs;
  };
  await step(true, createTask(task, { objective, dependencies: 0 }));
  for (let first = 0; first < dependents.length; first += 500) {
    const added = dependents
      .slice(first, first + 500)
      .map((id) => tell(task, { type: 'dependent.added', dependent: id }));
    await apply(kernel, added);
  }
  await step(true, tell(task, { type: 'task.assign', workerId: worker }));
  const start = { type: 'task.start', runId, workerId: worker, newWorker: null, dispatch: true };
  await step(true, tell(task, start));
  const prepared = { branch: 'conductor/bench', worktreePath: '/nowhere/bench', baseCommit: someCommit, fresh: true };
  await step(false, tell(runId, { type: 'workspace.prepared', ...prepared }));
  await step(false, tell(runId, { type: 'runner.ready', epoch, instance: 'bench' }));
  await step(true, tell(runId, { type: 'child.progress', epoch, seq: 1, text: 'half of it is done' }));
  await step(
    true,
    tell(runId, { type: 'child.complete', epoch, seq: 2, status: 'succeeded', summary: 'all of it is done' }),
  );
  const sealed = { commit: someCommit, changedFiles: 1, outsideScope: 0, verificationTouched: false };
  await step(false, tell(runId, { type: 'work.sealed', epoch, ...sealed }));
  await step(false, tell(runId, { type: 'runner.ended', epoch, leftover: 0, exitCode: 0, signal: null, rand: 0.5 }));
  const state = (await kernel.read(task))?.facts.state;
  if (state !== 'completed') throw new Error(`the task is ${String(state)}, not completed`);
  return { namedMs, wholeMs };
}

function lifeRow(name: string, lives: readonly Life[]): BenchRow {
  const measured = lives.slice(WARM_UP);
  const named = measured.map(({ namedMs }) => namedMs);
  const whole = measured.map(({ wholeMs }) => wholeMs);
  const median = quantile(named, 0.5);
  return {
    name,
    unit: 'ms',
    median,
    p95: quantile(named, 0.95),
    target: `≤ ${String(LIFE_TARGET_MS)} ms`,
    met: median <= LIFE_TARGET_MS,
    detail: `${String(measured.length)} lives, 5 commits each; with the supervisor's own 4 commits ${quantile(whole, 0.5).toFixed(2)} ms`,
  };
}

/** Finished tasks: canceled ones, which are as settled as completed ones and cost two messages each to make. */
async function fill(kernel: Kernel, count: number, objective: ObjectiveId | null): Promise<void> {
  for (let first = 0; first < count; first += 500) {
    const ids = Array.from({ length: Math.min(500, count - first) }, () => nextId('task') as TaskId);
    const messages = ids.flatMap((id): Message[] => [
      createTask(id, { objective, dependencies: 0 }),
      { kind: 'event', to: id, event: { type: 'task.cancel', reason: 'filler' } },
    ]);
    await apply(kernel, messages);
  }
  await kernel.idle();
}

async function createObjective(kernel: Kernel): Promise<ObjectiveId> {
  const objectiveId = nextId('objective') as ObjectiveId;
  const input = {
    objectiveId,
    title: 'bench',
    prompt: null,
    maxConcurrency: 4,
    baseCommit: null,
    draft: false,
    at: CREATED_AT,
  };
  await apply(kernel, [{ kind: 'create', id: objectiveId, input }]);
  return objectiveId;
}

/** An idle worker, as one that was made before and whose last task is completed. */
async function createWorker(kernel: Kernel, objectiveId: ObjectiveId): Promise<WorkerId> {
  const workerId = nextId('worker') as WorkerId;
  const place = { branch: 'conductor/bench', worktreePath: '/nowhere/bench' };
  const input = { workerId, name: null, objectiveId, ...place, reservedBy: null, at: CREATED_AT };
  await apply(kernel, [
    { kind: 'create', id: workerId, input },
    { kind: 'event', to: workerId, event: { type: 'worker.prepared', ...place, baseCommit: someCommit } },
  ]);
  return workerId;
}

function createTask(
  taskId: TaskId,
  { objective, dependencies }: { readonly objective: ObjectiveId | null; readonly dependencies: number },
): Message {
  const input: TaskInput = {
    taskId,
    objectiveId: objective,
    planId: null,
    title: 'bench',
    spec,
    workerName: null,
    retry: { maxAttempts: 1, backoffMs: 1_000, backoffMaxMs: 60_000 },
    run: {
      completion: 'explicit',
      verifies: false,
      restart: { intensity: 3, periodMs: 600_000, backoffMs: 1_000, backoffMaxMs: 30_000 },
    },
    dependencies,
    draft: false,
    at: CREATED_AT,
  };
  return { kind: 'create', id: taskId, input };
}

async function apply(kernel: Kernel, messages: readonly Message[]): Promise<void> {
  const outcome = await kernel.post({ messages, principal: 'system' });
  if (outcome.kind !== 'applied') throw new Error(JSON.stringify(outcome));
}

let lastId = 0;
const nextId = (kind: 'objective' | 'task' | 'run' | 'worker'): Exclude<ActorId, GateId> => {
  lastId += 1;
  return `${kind}-${lastId.toString(10).padStart(20, '0')}` as Exclude<ActorId, GateId>;
};

const realClock: Clock = {
  now: () => Date.now() as EpochMs,
  monotonic: () => performance.now(),
  after: (ms, callback) => {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
  sleep: async (ms) => sleep(ms),
  random: () => Math.random(),
};
