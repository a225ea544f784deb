/** A project in memory: the real kernel and machines over the memory store, time that stands still, and git that answers at once. */
import { readArchivedArtifact } from '../../src/persistence/archived-artifacts.ts';
import { newId } from '../../src/persistence/id-source.ts';
import { openMemoryStore } from '../../src/persistence/memory-store.ts';
import type { StoredActor } from '../../src/persistence/store.ts';
import { ConductorError, isConductorError } from '../../src/machines/errors.ts';
import type { RunId } from '../../src/machines/ids.ts';
import type { Principal } from '../../src/machines/schema.ts';
import { catalogue, type OperationDetails, type OperationName } from '../../src/operations/catalogue.ts';
import { createConfigurationSource } from '../../src/operations/configuration.ts';
import { invokeOperation, resultProblems } from '../../src/operations/invoke-operation.ts';
import type { OperationContext } from '../../src/operations/operation-context.ts';
import type { Services } from '../../src/operations/read-models/supervision-view.ts';
import { createKernel } from '../../src/supervisor/kernel/create-kernel.ts';
import type { EventBody } from '../../src/supervisor/kernel/kernel.ts';
import type { TreeStep } from '../../src/supervisor/tree/tree-history.ts';
import { createVirtualClock } from '../supervisor/kernel/virtual-clock.ts';

export const HEAD = 'a'.repeat(40);
export const BRANCH_TIP = 'b'.repeat(40);

const prepared = (branch: string): EventBody => ({
  type: 'workspace.prepared',
  branch,
  worktreePath: `/repo.worktrees/${branch}`,
  baseCommit: HEAD,
  fresh: true,
});
const complete = (status: string): EventBody => ({
  type: 'child.complete',
  epoch: 1,
  seq: 1,
  status,
  summary: `it ${status}`,
});

/** `red`: it completes, and its verification is red. */
type RunEnd = 'succeeded' | 'partial' | 'failed' | 'blocked' | 'red';

export type Project = Awaited<ReturnType<typeof openProject>>;

export const openProject = async () => {
  const clock = createVirtualClock();
  const store = openMemoryStore({ owner: { epoch: 1, instance: 'test' } });
  const kernel = await createKernel({
    store,
    clock,
    handlers: null,
    limits: { validateTells: true },
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
  /** What a test may set: the user's and the repository's configuration, artifacts on disk. */
  const world = {
    pokes: 0,
    uncommittedFiles: 0,
    userFile: null as string | null,
    repositoryFile: null as string | null,
    trusted: [] as string[],
    granted: [] as { taskIds: readonly string[]; values: object }[],
    files: new Map<string, Uint8Array>(),
    /** Directory of the archive. */
    archive: null as string | null,
    coverage: null as string | null,
    services: null as Services | null,
    treeSteps: null as readonly TreeStep[] | null,
    diffs: new Map<string, { patch: string; truncated: boolean }>(),
    reasons: new Map<string, string>(),
    /** Why no worker is free; null while one is. */
    waits: null as string | null,
    places: new Map<string, number>(),
  };
  const make = <Kind extends Parameters<typeof newId>[0]>(kind: Kind) => newId(kind, clock.now());
  const context: OperationContext = {
    kernel,
    reader: store,
    principal: 'human',
    requestId: null,
    clock,
    newId: (kind) => make(kind) as never,
    project: { key: 'project', repoRoot: '/repo', home: '/home/project' },
    supervisor: { pid: 1, startedAt: 0, version: '1.0.0', socket: '/run/socket', inspector: null },
    workspaces: {
      resolveBase: async (commitish) => {
        if (commitish === 'HEAD') return HEAD;
        if (commitish === 'main') return BRANCH_TIP;
        throw new ConductorError('git_failed', `unknown revision ${commitish}`);
      },
      planBranch: async ({ slugs, shortId }) => ({
        branch: `conductor/${slugs.join('/')}-${shortId}`,
        worktreePath: `/repo.worktrees/${slugs.join('-')}-${shortId}`,
      }),
      uncommittedFiles: async () => world.uncommittedFiles,
      restore: async ({ workerId, ref }) => {
        if (ref === 'refs/none') throw new ConductorError('not_found', `${workerId} has no rescue ${ref}`);
        return { worktreePath: `/repo.worktrees/${workerId}`, branch: 'conductor/restored', files: 2 };
      },
    },
    scheduler: {
      queuePlace: (taskId) => world.places.get(taskId) ?? null,
      poke: () => {
        world.pokes += 1;
      },
      reasons: async (tasks) => new Map([...world.reasons].filter(([id]) => tasks.some((task) => task.id === id))),
    },
    runs: {
      facts: () => ({
        phase: 'agent',
        idleMs: 5,
        outputBytes: 7,
        connected: true,
        memoryBytes: 3_145_728,
        cpuPercent: 12.5,
      }),
    },
    grants: {
      keep: (taskIds, values) => {
        world.granted.push({ taskIds, values });
      },
    },
    chooseWorker: async (task, wanted) => {
      if (world.waits !== null) return { waits: world.waits };
      if (wanted !== null) return { workerId: wanted as never, newWorker: null };
      return {
        workerId: make('worker'),
        newWorker: { name: null, branch: `conductor/${task.id}`, worktreePath: `/repo.worktrees/${task.id}` },
      };
    },
    agents: ['command'],
    config: createConfigurationSource({
      userFile: async () => (world.userFile === null ? null : { text: world.userFile, path: 'user.yaml' }),
      fileAt: async () => world.repositoryFile,
      isTrusted: async (hash) => world.trusted.includes(hash),
    }),
    trust: {
      isTrusted: async (hash) => world.trusted.includes(hash),
      trust: async (hash) => {
        world.trusted.push(hash);
      },
      list: async () => world.trusted.map((hash) => ({ hash, at: 0 })),
    },
    artifacts: {
      read: async ({ sha256 }, maxBytes) => world.files.get(sha256)?.slice(0, maxBytes) ?? null,
      readArchived: async (archive, wanted) =>
        world.archive === null ? null : readArchivedArtifact(world.archive, archive, wanted),
    },
    services: () => world.services,
    treeSteps: () => world.treeSteps,
    liveDiff: async (runId) => world.diffs.get(runId) ?? { patch: '', truncated: false },
    machineCoverage: async () => world.coverage,
    child: null,
    signal: new AbortController().signal,
  };

  const invoke = async (name: string, params: unknown, over: Partial<OperationContext> = {}) => {
    const result = await invokeOperation(catalogue, { name, params }, { ...context, ...over });
    const problems = resultProblems(catalogue.get(name)!, result);
    if (problems.length > 0) throw new Error(`${name} answered what its schema does not say: ${problems.join('; ')}`);
    return result;
  };
  const call = async <Name extends OperationName>(
    name: Name,
    params: object = {},
    over: Partial<OperationContext> = {},
  ) => (await invoke(name, params, over)).details as OperationDetails<Name>;

  const tell = async (to: string, ...events: readonly EventBody[]): Promise<void> => {
    for (const event of events) {
      const outcome = await kernel.post({ messages: [{ kind: 'event', to: to as RunId, event }], principal: 'system' });
      if (outcome.kind !== 'applied') throw new Error(`${event.type} to ${to}: ${JSON.stringify(outcome)}`);
    }
  };
  const actor = async (id: string): Promise<StoredActor> => (await store.getActor(id))!;

  const start = async (taskId: string): Promise<string> => {
    const { runId } = await call('conductor_start_task_run', { taskId });
    if (runId === null) throw new Error(`${taskId} was queued`);
    await tell(runId, { type: 'run.dispatch' });
    await begin(runId);
    return runId;
  };
  /** What happens to a run with a slot until its agent works. */
  const begin = async (runId: string): Promise<void> => {
    const { taskId } = (await actor(runId)).facts;
    await tell(runId, prepared(`conductor/${taskId!}`), { type: 'runner.ready', epoch: 1, instance: 'one' });
  };
  const ended: EventBody = { type: 'runner.ended', epoch: 1, leftover: 0, exitCode: 0, signal: null, rand: 0.5 };
  const sealed: EventBody = {
    type: 'work.sealed',
    epoch: 1,
    commit: 'c'.repeat(40),
    changedFiles: 1,
    outsideScope: 0,
    verificationTouched: false,
  };
  const finish = async (runId: string, end: RunEnd, changedFiles = 1): Promise<void> => {
    await tell(runId, complete(end === 'red' ? 'succeeded' : end));
    if ((await actor(runId)).facts.state === 'verifying') await tell(runId, { ...sealed, changedFiles });
    if ((await actor(runId)).facts.state === 'verifying') {
      await tell(runId, {
        type: 'verification.finished',
        epoch: 1,
        seq: 2,
        ok: end !== 'red',
        message: `it is ${end}`,
      });
    }
    await tell(runId, ended);
  };
  return {
    clock,
    store,
    kernel,
    world,
    context,
    invoke,
    call,
    tell,
    actor,
    /** A run of the task that is executing. */
    start,
    /** A run of the task from its start to its end. `red`: it completes, and its verification is red. */
    runTo: async (taskId: string, end: RunEnd, changedFiles = 1): Promise<string> => {
      const runId = await start(taskId);
      await finish(runId, end, changedFiles);
      return runId;
    },
    /** The same for a run that has a slot. */
    carryOut: async (runId: string): Promise<void> => {
      await begin(runId);
      await finish(runId, 'succeeded');
    },
    /** Everything durable that a refused call may not touch. */
    state: async (): Promise<unknown> => ({
      lastSeq: await store.lastSeq(),
      counts: await store.counts(),
      outbox: await store.listOutbox(),
      trusted: [...world.trusted],
    }),
    as: (principal: Principal): Partial<OperationContext> => ({ principal }),
    close: async (): Promise<void> => {
      await kernel.stop();
      await store.close();
    },
  };
};

/** `code: message` of the refusal. */
export const refusalOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (isConductorError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'nothing was refused';
};

export const PLAN = {
  objective: 'Ship it',
  tasks: [
    { id: 'test', run: 'make test', dependsOn: ['build'] },
    { id: 'build', run: 'make', verify: ['true'] },
  ],
};
