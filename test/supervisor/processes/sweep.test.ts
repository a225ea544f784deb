/**
 * Goal: the order and the times of a sweep, to the millisecond, and what it refuses to do.
 * Method: a scripted process table and a clock that moves only when the sweep sleeps.
 */
import { expect, test } from 'vitest';
import { takeCensus, type CensusSubject } from '../../../src/supervisor/processes/census.ts';
import { createSnapshotSource } from '../../../src/supervisor/processes/process-snapshot.ts';
import { sweep, type SweepOptions } from '../../../src/supervisor/processes/sweep.ts';
import { OWN_PID, type ScriptedRow, ScriptedProcessTable } from './scripted-process-table.ts';

const RUNNER = 10;
const AGENT = 20;
const cookie = 'p/r/1';

const scene = (rows: readonly ScriptedRow[], given: Partial<CensusSubject> = {}) => {
  const table = new ScriptedProcessTable(rows);
  const subject: CensusSubject = {
    cookie,
    recorded: rows.filter(({ pid }) => pid === RUNNER || pid === AGENT).map(({ pid }) => table.id(pid)),
    groups: [AGENT],
    sessions: [AGENT],
    spare: [],
    ...given,
  };
  const run = (options: Partial<SweepOptions> = {}) =>
    sweep({ table, clock: table.clock }, subject, {
      graceMs: 1_000,
      sweepMs: 10_000,
      keepLast: table.id(RUNNER),
      ...options,
    });
  return {
    table,
    subject,
    run,
    pids: (result: Awaited<ReturnType<typeof run>>) => result.leftover.map((m) => m.identity.pid),
  };
};

test('who obeys is asked once, the agent by its group, the runner after all others', async () => {
  const { table, run } = scene([{ pid: RUNNER }, { pid: AGENT }, { pid: 21, ppid: AGENT, pgid: AGENT, sid: AGENT }]);
  expect(await run()).toEqual({ leftover: [], signalled: 3 });
  expect(table.sent).toEqual([
    [0, -AGENT, 'SIGTERM'],
    [20, RUNNER, 'SIGTERM'],
  ]);
});

test('W3: SIGTERM comes once, SIGKILL after the grace, and the runner has a grace of its own', async () => {
  const { table, run } = scene([
    { pid: RUNNER, obeys: 'SIGKILL' },
    { pid: AGENT, obeys: 'SIGKILL' },
  ]);
  expect(await run()).toEqual({ leftover: [], signalled: 2 });
  expect(table.sent.map(([, target, signal]) => [target, signal])).toEqual([
    [-AGENT, 'SIGTERM'],
    [-AGENT, 'SIGKILL'],
    [RUNNER, 'SIGTERM'],
    [RUNNER, 'SIGKILL'],
  ]);
  const at = (target: number, signal: string) => table.sent.find(([, t, s]) => t === target && s === signal)![0];
  expect(at(-AGENT, 'SIGKILL')).toBeGreaterThanOrEqual(1_000);
  expect(at(-AGENT, 'SIGKILL')).toBeLessThan(1_150);
  expect(at(RUNNER, 'SIGKILL') - at(RUNNER, 'SIGTERM')).toBeGreaterThanOrEqual(1_000);
});

test('what is forked while it is ended is ended too', async () => {
  const { table, run } = scene([{ pid: RUNNER }, { pid: AGENT, obeys: 'SIGKILL' }]);
  table.onSleep = (at) => {
    if (at < 500) table.add({ pid: 1_000 + Math.floor(at), startTicks: '2', ppid: AGENT, cookie, obeys: 'SIGKILL' });
  };
  const result = await run();
  expect(result.leftover).toEqual([]);
  expect(result.signalled).toBeGreaterThan(4);
});

test('who survives SIGKILL is leftover at the deadline, and by then the runner was killed too', async () => {
  const { table, run, pids } = scene([
    { pid: RUNNER, obeys: 'SIGKILL' },
    { pid: AGENT, obeys: 'nothing' },
  ]);
  expect(pids(await run({ graceMs: 60_000 }))).toEqual([AGENT]);
  expect(table.sent.some(([, target, signal]) => target === RUNNER && signal === 'SIGKILL')).toBe(true);
  expect(table.clock.at).toBeGreaterThanOrEqual(10_000);
  expect(table.clock.at).toBeLessThan(10_200);
});

test('another user’s cookie does not make a member', async () => {
  const { table, run } = scene([{ pid: RUNNER }, { pid: 30, uid: 0, cookie }]);
  expect(await run()).toEqual({ leftover: [], signalled: 1 });
  expect(table.identify(30)).not.toBeNull();
});

test('a descendant that may not be signalled is leftover and not counted as signalled', async () => {
  const { run, pids } = scene([
    { pid: RUNNER, obeys: 'nothing' },
    { pid: 30, uid: 0, ppid: RUNNER, denies: true },
  ]);
  const result = await run({ sweepMs: 2_000 });
  expect(pids(result)).toEqual([RUNNER, 30]);
  expect(result.signalled).toBe(1);
});

test('another user’s program in the group is leftover while its group is proven ours', async () => {
  const { run, pids } = scene([
    { pid: AGENT, obeys: 'nothing' },
    { pid: 30, uid: 0, ppid: AGENT, pgid: AGENT, denies: true },
  ]);
  const result = await run({ sweepMs: 2_000 });
  expect(pids(result).toSorted((a, b) => a - b)).toEqual([AGENT, 30]);
});

test('W1: itself, its own group and pid 1 are never signalled, whatever was recorded', async () => {
  const table = new ScriptedProcessTable([{ pid: 1 }, { pid: 50, pgid: OWN_PID, sid: OWN_PID }]);
  const subject: CensusSubject = {
    cookie,
    recorded: [table.self(), table.id(1)],
    groups: [OWN_PID, 1, 0],
    sessions: [OWN_PID, 1, 0],
    spare: [],
  };
  const result = await sweep({ table, clock: table.clock }, subject, { graceMs: 10, sweepMs: 100 });
  expect(result).toEqual({ leftover: [], signalled: 0 });
  expect(table.sent).toEqual([]);
});

test('C1: a member in the asker’s own group and session proves nothing about the others there', () => {
  const own = { pgid: OWN_PID, sid: OWN_PID };
  const { table, subject } = scene([
    { pid: AGENT, ...own },
    { pid: 51, ...own },
  ]);
  for (const given of [{ groups: [OWN_PID] }, { sessions: [OWN_PID] }]) {
    const { members } = takeCensus(table, { ...subject, ...given });
    expect(members.map(({ identity }) => identity.pid)).toEqual([AGENT]);
  }
});

test('a grace that is longer than the sweep ends with SIGKILL all the same', async () => {
  const { table, run } = scene([
    { pid: RUNNER, obeys: 'SIGKILL' },
    { pid: AGENT, obeys: 'SIGKILL' },
  ]);
  expect(await run({ graceMs: 60_000 })).toEqual({ leftover: [], signalled: 2 });
  expect(table.clock.at).toBeGreaterThanOrEqual(8_000);
  expect(table.clock.at).toBeLessThan(10_000);
});

test('W2: a group that holds the runner is not signalled as a group', async () => {
  const { table, run } = scene([{ pid: RUNNER, pgid: AGENT }, { pid: AGENT }]);
  expect(await run()).toEqual({ leftover: [], signalled: 2 });
  expect(table.sent.map(([, target]) => target)).toEqual([AGENT, RUNNER]);
});

test('C5: a census that finds nobody looks twice', () => {
  const { table, subject } = scene([{ pid: RUNNER }], { recorded: [] });
  table.onList = (count) => {
    if (count === 2) table.add({ pid: 40, cookie });
  };
  expect(takeCensus(table, subject).members.map(({ identity }) => identity.pid)).toEqual([40]);
  expect(table.lists).toBe(2);
});

test('C1: a child that is older than its parent is another’s', () => {
  const rows = [
    { pid: AGENT, startTicks: '50' },
    { pid: 21, ppid: AGENT, startTicks: '49' },
    { pid: 22, ppid: AGENT, startTicks: '50' },
  ];
  const { table, subject } = scene(rows, { groups: [], sessions: [] });
  expect(takeCensus(table, subject).members.map(({ identity }) => identity.pid)).toEqual([AGENT, 22]);
});

test('W4: a child that one listing missed is found by the next', async () => {
  const { table, run } = scene([{ pid: RUNNER }]);
  let sleeps = 0;
  table.onSleep = () => {
    sleeps += 1;
    if (sleeps === 2) table.add({ pid: 40, cookie });
  };
  expect(await run()).toEqual({ leftover: [], signalled: 2 });
  expect(table.sent.at(-1)?.slice(1)).toEqual([40, 'SIGTERM']);
});

test('S1: sweeps that run together share listings and still see the end of each', async () => {
  const runs = Array.from({ length: 50 }, (_, index) => `p/r${index}/1`);
  const table = new ScriptedProcessTable(runs.map((carried, index) => ({ pid: 1_000 + index, cookie: carried })));
  const snapshot = createSnapshotSource(table, table.clock.now);
  const before = table.lists;
  const results = await Promise.all(
    runs.map((carried) =>
      sweep(
        { table, clock: table.clock, snapshot },
        { cookie: carried, recorded: [], groups: [], sessions: [], spare: [] },
        { graceMs: 1_000, sweepMs: 60_000 },
      ),
    ),
  );
  expect(results).toEqual(runs.map(() => ({ leftover: [], signalled: 1 })));
  expect(table.lists - before).toBeLessThan(150);
});

test('W2: a cgroup is killed as one where SIGKILL is due, but not while the runner is in it', async () => {
  for (const [inside, kills] of [
    [[AGENT], true],
    [[RUNNER, AGENT], false],
  ] as const) {
    const { table, run } = scene([{ pid: RUNNER }, { pid: AGENT, obeys: 'SIGKILL' }], {
      cgroupPids: () => inside.filter((pid) => table.identify(pid) !== null),
    });
    let killedAt: number | null = null;
    const killScope = () => {
      killedAt ??= table.clock.at;
      return true;
    };
    expect(await run({ killScope })).toEqual({ leftover: [], signalled: 2 });
    expect(killedAt === null).toBe(!kills);
    if (kills) expect(killedAt).toBeGreaterThanOrEqual(1_000);
  }
});
