/** A project of real machines over a store: plans are run to their end without a runner, event by event. */
import { newId } from '../src/persistence/id-source.ts';
import type { Store, StoreReader } from '../src/persistence/store.ts';
import type { ActorId } from '../src/machines/ids.ts';
import { catalogue } from '../src/operations/catalogue.ts';
import { createConfigurationSource } from '../src/operations/configuration.ts';
import { invokeOperation } from '../src/operations/invoke-operation.ts';
import { readOnlyContext, type OperationContext } from '../src/operations/operation-context.ts';
import type { EventBody, Kernel } from '../src/supervisor/kernel/kernel.ts';
import { systemClock } from '../src/supervisor/kernel/system-clock.ts';

const COMMIT = 'a'.repeat(40);
/** Reports of each run: with them a run has about as many entries as a real one of a few minutes. */
const REPORTS = 8;
/** Tasks in a row that wait for one another, and rows that are carried out at one time. */
const CHAIN = 4;
const LANES = 8;

export type BenchProject = {
  readonly store: Store;
  readonly kernel: Kernel;
  /** Reads from the store, or from another reader of it that knows nothing yet. */
  readonly ask: (operation: string, params: object, reader?: StoreReader) => Promise<unknown>;
};

export type LivedObjective = {
  readonly objectiveId: string;
  readonly runs: readonly string[];
  /** First entry of each run. */
  readonly begins: ReadonlyMap<string, number>;
  /** Its life in the journal. */
  readonly from: number;
  readonly to: number;
};

const make = <Kind extends Parameters<typeof newId>[0]>(kind: Kind) => newId(kind, systemClock.now());

export const openBenchProject = (store: Store, kernel: Kernel): BenchProject => {
  const context: OperationContext = {
    ...readOnlyContext({
      reader: store,
      principal: 'human',
      clock: systemClock,
      project: { key: 'bench', repoRoot: '/bench', home: '/bench' },
      config: createConfigurationSource({
        userFile: async () => null,
        fileAt: async () => null,
        isTrusted: async () => false,
      }),
      trust: { isTrusted: async () => false, trust: async () => undefined, list: async () => [] },
      artifacts: { read: async () => null, readArchived: async () => null },
      machineCoverage: async () => null,
      signal: new AbortController().signal,
    }),
    kernel,
    newId: (kind) => make(kind) as never,
    workspaces: {
      resolveBase: async () => COMMIT,
      planBranch: async ({ shortId }) => ({ branch: `bench/${shortId}`, worktreePath: `/bench/${shortId}` }),
      uncommittedFiles: async () => 0,
      restore: async () => ({ worktreePath: '/bench', branch: 'bench', files: 0 }),
    },
    scheduler: { queuePlace: () => null, poke: () => undefined, reasons: async () => new Map() },
    chooseWorker: async (task) => ({
      workerId: make('worker'),
      newWorker: { name: null, branch: `bench/${task.id}`, worktreePath: `/bench/${task.id}` },
    }),
    agents: ['command'],
  };
  return {
    store,
    kernel,
    ask: async (name, params, reader = store) =>
      (await invokeOperation(catalogue, { name, params }, { ...context, reader })).details,
  };
};

/** Tasks in chains, some of which are carried out at one time: their entries stand mixed. */
export const liveObjective = async (project: BenchProject, size: number): Promise<LivedObjective> => {
  const from = (await project.store.lastSeq()) + 1;
  const plan = {
    objective: `An objective of ${String(size)} tasks`,
    tasks: Array.from({ length: size }, (_, n) => ({
      id: `t${String(n)}`,
      run: 'make',
      ...(n % CHAIN === 0 ? {} : { dependsOn: [`t${String(n - 1)}`] }),
    })),
  };
  const { objectiveId, tasks } = (await project.ask('conductor_run_plan', { plan })) as {
    readonly objectiveId: string;
    readonly tasks: Readonly<Record<string, string>>;
  };
  const begins = new Map<string, number>();
  const chains = Array.from({ length: Math.ceil(size / CHAIN) }, (_, n) =>
    plan.tasks.slice(n * CHAIN, (n + 1) * CHAIN),
  ).values();
  const lane = async (): Promise<void> => {
    for (const chain of chains) {
      for (const { id } of chain) {
        const runId = await liveTask(project, tasks[id]!);
        const [first] = await project.store.listJournal({ actor: runId, limit: 1 });
        begins.set(runId, first!.seq);
      }
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { objectiveId, runs: [...begins.keys()], begins, from, to: await project.store.lastSeq() };
};

const liveTask = async ({ kernel, ask }: BenchProject, taskId: string): Promise<string> => {
  const { runId } = (await ask('conductor_start_task_run', { taskId })) as { readonly runId: string };
  const tell = async (event: EventBody): Promise<void> => {
    const outcome = await kernel.post({
      messages: [{ kind: 'event', to: runId as ActorId, event }],
      principal: 'system',
    });
    if (outcome.kind !== 'applied') throw new Error(`${event.type}: ${JSON.stringify(outcome)}`);
  };
  const place = { branch: `bench/${taskId}`, worktreePath: `/bench/${taskId}`, baseCommit: COMMIT, fresh: true };
  await tell({ type: 'run.dispatch' });
  await tell({ type: 'workspace.prepared', ...place });
  await tell({ type: 'runner.ready', epoch: 1, instance: 'one' });
  for (let seq = 1; seq <= REPORTS; seq += 1) {
    await tell({ type: 'child.progress', epoch: 1, seq, text: `step ${String(seq)} of ${String(REPORTS)}` });
  }
  await tell({ type: 'child.complete', epoch: 1, seq: REPORTS + 1, status: 'succeeded', summary: 'done' });
  const sealed = { commit: COMMIT, changedFiles: 1, outsideScope: 0, verificationTouched: false };
  await tell({ type: 'work.sealed', epoch: 1, ...sealed });
  await tell({ type: 'runner.ended', epoch: 1, leftover: 0, exitCode: 0, signal: null, rand: 0.5 });
  return runId;
};
