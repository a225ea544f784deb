/**
 * Goal: the home is kept in order, in small steps, and never at the cost of work (M1 to M3 of maintenance.ts); what goes is ours and
 * settled (J1, J2 of maintenance-jobs.ts).
 * Method: time that a test moves, toy jobs; then the real jobs over the memory store, real sockets and directories.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openMemoryStore } from '../../src/persistence/memory-store.ts';
import { ensureProjectHome, projectHome } from '../../src/persistence/project-home.ts';
import type { ActorWrite, CommitBatch, Store } from '../../src/persistence/store.ts';
import type { Kernel } from '../../src/supervisor/kernel/kernel.ts';
import {
  maintenanceService,
  MAINTENANCE_TIMES,
  type BackupState,
  type MaintenanceJob,
} from '../../src/supervisor/maintenance.ts';
import { maintenanceJobs } from '../../src/supervisor/maintenance-jobs.ts';
import type { RunningService } from '../../src/supervisor/tree/tree-child.ts';
import { actorOf, batchOf, entryOf, firstOwner, idOf, startOfTime } from '../persistence/store-builders.ts';
import { createVirtualClock, settle, type VirtualClock } from './kernel/virtual-clock.ts';

const { firstMs, stepMs, restMs, backupMs, backupAtStopMs } = MAINTENANCE_TIMES;
const dayMs = 86_400_000;

let clock: VirtualClock;
let store: Store;
let depth: number;
let said: string[];
beforeEach(() => {
  clock = createVirtualClock(startOfTime);
  store = openMemoryStore({ owner: firstOwner });
  depth = 0;
  said = [];
});

/** As much of a kernel as maintenance asks for. */
const kernel = (): Kernel =>
  ({
    store,
    get depth() {
      return depth;
    },
    read: (id: string) => store.getActor(id),
    forget: () => undefined,
  }) as unknown as Kernel;
const report = (what: string, reason: string): void => void said.push(`${what}: ${reason}`);
const commit = async (rest: Partial<CommitBatch>): Promise<void> => {
  expect(await store.commit(batchOf(rest))).toEqual({ kind: 'committed' });
};

const countingJob = (steps: number, everyMs = dayMs): { job: MaintenanceJob; done: () => number } => {
  let done = 0;
  const run = async function* (): AsyncGenerator<void> {
    for (let step = 0; step < steps; step += 1) {
      done += 1;
      yield;
    }
  };
  return { job: { name: 'count', everyMs, run }, done: () => done };
};
const runActor = (n: number, rest: { settled: boolean; updatedAt?: number; epoch?: number }): ActorWrite => ({
  ...actorOf(idOf('run', n), { facts: { settled: rest.settled }, context: { epoch: rest.epoch ?? 1 } }),
  updatedAt: (rest.updatedAt ?? startOfTime) as ActorWrite['updatedAt'],
});

describe('the service', () => {
  let backups: number;
  const start = (
    jobs: readonly MaintenanceJob[],
    newest: BackupState = { at: null, lastSeq: null },
  ): Promise<RunningService> => {
    backups = 0;
    const real = store.backup.bind(store);
    store.backup = () => {
      backups += 1;
      return real();
    };
    const service = maintenanceService({ kernel, clock, jobs, report, newestBackup: () => Promise.resolve(newest) });
    return service.start(() => undefined);
  };
  test('M1: one step a beat, the first one later, none while messages wait', async () => {
    const { job, done } = countingJob(5);
    const running = await start([job]);
    await clock.advance(firstMs - 1);
    expect(done()).toBe(0);
    await clock.advance(1);
    expect(done()).toBe(1);
    await clock.advance(stepMs);
    expect(done()).toBe(2);
    depth = 3;
    await clock.advance(stepMs * 20);
    expect(done()).toBe(2);
    depth = 0;
    await clock.advance(stepMs * 20);
    expect(done()).toBe(5);
    await running.stop(false);
  });

  test('a job comes again when it is due, and rest is rest', async () => {
    const { job, done } = countingJob(1);
    const running = await start([job]);
    await clock.advance(dayMs - 1);
    expect(done()).toBe(1);
    await clock.advance(restMs + firstMs);
    expect(done()).toBe(2);
    expect(clock.waiting).toBe(1);
    await running.stop(false);
    expect(clock.waiting).toBe(0);
    await clock.advance(2 * dayMs);
    expect(done()).toBe(2);
  });

  test('M2: a job that fails is said, the others go on, and it is tried again in its time', async () => {
    const { job, done } = countingJob(1);
    const failing: MaintenanceJob = {
      name: 'bad',
      everyMs: dayMs,
      run: async function* () {
        yield;
        throw new Error('no space');
      },
    };
    const running = await start([failing, job]);
    await clock.advance(firstMs + stepMs * 5);
    expect([said, done()]).toEqual([['bad: no space'], 1]);
    await clock.advance(dayMs + restMs);
    expect(said).toEqual(['bad: no space', 'bad: no space']);
    await running.stop(false);
  });

  test('M3: a backup every six hours, when something was committed since', async () => {
    await commit({ journal: [entryOf(1, 'x')] });
    const running = await start([], { at: clock.now(), lastSeq: 1 });
    await clock.advance(backupMs * 2);
    expect(backups).toBe(0);
    await commit({ journal: [entryOf(2, 'x')] });
    await clock.advance(restMs);
    expect(backups).toBe(1);
    await commit({ journal: [entryOf(3, 'x')] });
    await clock.advance(backupMs - restMs);
    expect(backups).toBe(1);
    await clock.advance(2 * restMs);
    expect(backups).toBe(2);
    await running.stop(true);
  });

  test('M3: without a backup the first one is made at once, and none of an empty store', async () => {
    const running = await start([]);
    await clock.advance(firstMs);
    expect(backups).toBe(0);
    await commit({ journal: [entryOf(1, 'x')] });
    await clock.advance(restMs);
    expect(backups).toBe(1);
    await running.stop(true);
  });

  test('M3: an ordered stop makes one when the last is older than an hour, a hard stop does not', async () => {
    await commit({ journal: [entryOf(1, 'x')] });
    for (const [age, hard, made] of [
      [backupAtStopMs, false, 1],
      [backupAtStopMs - 1, false, 0],
      [backupAtStopMs, true, 0],
    ] as const) {
      const running = await start([], { at: (clock.now() - age) as never, lastSeq: 0 });
      await running.stop(hard);
      await running.stop(false);
      expect(backups).toBe(made);
    }
  });

  test('a backup that fails is said and not repeated with every beat', async () => {
    await commit({ journal: [entryOf(1, 'x')] });
    const running = await start([]);
    store.backup = () => Promise.reject(new Error('no space'));
    await clock.advance(firstMs + 10 * restMs);
    expect(said).toEqual(['backup: no space']);
    await running.stop(true);
  });
});

describe('the jobs', () => {
  const retainDays = 10;
  let folder: string;
  let paths: ReturnType<typeof projectHome>;
  let runtimeDirectory: string;
  let servers: Server[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'conductor-'));
    paths = projectHome(folder, 'repo-1');
    ensureProjectHome(paths);
    runtimeDirectory = join(folder, 'sockets');
    mkdirSync(runtimeDirectory);
    servers = [];
  });
  afterEach(async () => {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    rmSync(folder, { recursive: true });
  });

  const run = async (name: string): Promise<void> => {
    const table = { bootId: 'boot', liveness: () => 'gone' as const };
    const parts = { kernel, clock, table, paths, runtimeDirectory, epoch: 5, retainDays, report };
    const job = maintenanceJobs(parts).find((one) => one.name === name)!;
    const steps = job.run();
    while ((await steps.next()).done !== true) await settle();
  };
  const listen = (name: string): Promise<void> => {
    const server = createServer().listen(join(runtimeDirectory, name));
    servers.push(server);
    return new Promise((resolve) => server.once('listening', resolve));
  };
  /** A socket whose process was killed. */
  const deafSocket = (name: string): void => {
    const program = `require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', program, join(runtimeDirectory, name)]);
    expect(existsSync(join(runtimeDirectory, name))).toBe(true);
  };

  test('J1, J2: sockets of older owners and of ended runs go when nobody listens; all others stay', async () => {
    const [ended, living, foreign] = [1, 2, 3].map((n) => idOf('run', n));
    await commit({ actors: [runActor(1, { settled: true }), runActor(2, { settled: false, epoch: 2 })] });
    const gone = ['repo-1.4.sock', `${ended}.1.sock`, `${living}.1.sock`];
    const deaf = ['repo-1.5.sock', 'repo-2.1.sock', `${living}.2.sock`, `${foreign}.1.sock`];
    for (const name of [...gone, ...deaf]) deafSocket(name);
    const heard = ['repo-1.3.sock', `${ended}.2.sock`];
    for (const name of heard) await listen(name);
    writeFileSync(join(runtimeDirectory, 'repo-1.1.sock'), 'no socket');
    await run('sockets');
    expect(readdirSync(runtimeDirectory).toSorted()).toEqual([...deaf, ...heard, 'repo-1.1.sock'].toSorted());
  });

  test('J2: directories of runs that were settled long ago go; young, living and unknown ones stay', async () => {
    const old = startOfTime - retainDays * dayMs;
    await commit({
      actors: [
        runActor(1, { settled: true, updatedAt: old - 1 }),
        runActor(2, { settled: true, updatedAt: old }),
        runActor(3, { settled: false, updatedAt: old - dayMs }),
      ],
    });
    for (let n = 1; n <= 4; n += 1) {
      mkdirSync(join(paths.runDirectory(idOf('run', n)), 'artifacts'), { recursive: true });
      writeFileSync(join(paths.runDirectory(idOf('run', n)), 'artifacts', 'a'), 'a');
    }
    await run('run directories');
    expect(readdirSync(paths.runs).toSorted()).toEqual([2, 3, 4].map((n) => idOf('run', n)));
  });

  test('dead letters: the newest thousand stay', async () => {
    const letter = { at: startOfTime, to: 'x', event: null, code: 'internal', message: '', chain: [] };
    await commit({ deadLetters: Array.from({ length: 1_005 }, (_, n) => ({ ...letter, message: String(n) })) });
    await run('dead letters');
    const left = await store.listDeadLetters(1_000);
    expect([left.length, left[0]!.message, left.at(-1)!.message]).toEqual([1_000, '1004', '5']);
  });

  test('the archive takes what was settled long enough ago, with its run directories', async () => {
    const old = startOfTime - retainDays * dayMs - 1;
    const settled = (n: number, updatedAt: number): readonly ActorWrite[] => {
      const facts = { objectiveId: idOf('objective', n), settled: true };
      return [
        actorOf(idOf('objective', n), { facts: { ...facts, state: 'completed' }, context: { title: `goal ${n}` } }),
        actorOf(idOf('run', n), { facts: { ...facts, state: 'succeeded' }, context: { epoch: 1 } }),
      ].map((actor) => ({ ...actor, createdAt: old as never, updatedAt: updatedAt as never }));
    };
    await commit({ actors: [1, 2, 3].flatMap((n) => settled(n, n === 2 ? startOfTime : old)) });
    mkdirSync(paths.runDirectory(idOf('run', 1)));
    await run('archive');
    const { items } = await store.listArchived({ limit: 10 });
    expect(items.map(({ subjectId, title }) => [subjectId, title])).toEqual([
      [idOf('objective', 3), 'goal 3'],
      [idOf('objective', 1), 'goal 1'],
    ]);
    expect(readdirSync(paths.archive).toSorted()).toEqual(items.map(({ file }) => file).toSorted());
    expect((await store.listActors({ kind: 'objective', limit: 10 })).items.map(({ id }) => id)).toEqual([
      idOf('objective', 2),
    ]);
    expect(said).toHaveLength(2);
    await run('run directories');
    expect(readdirSync(paths.runs)).toEqual([]);
  });
});
