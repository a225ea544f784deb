/**
 * Goal: a runner that is lost costs what the restart policy says and nothing else; a supervisor that only slept costs nothing.
 * Method: real processes, killed or stopped by pid; agents tell past Conductor each time they are executed.
 */
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { HELLO } from '../../src/hosts/rpc/wire.ts';
import {
  PROTOCOL,
  RUNNER_CALLS,
  type ReportResult,
  type RunnerAddress,
  type SpoolEntry,
} from '../../src/supervisor/runners/protocol.ts';
import { RUN_FILES } from '../../src/supervisor/runners/contract.ts';
import { RpcPeer } from '../../src/supervisor/runners/rpc-peer.ts';
import { ProjectFixture, until } from './project-fixture.ts';

let project: ProjectFixture;
afterEach(() => project.close());

/** A task that tells that it was executed, waits for `go` and ends well. */
const waiting = (id: string, more: object = {}): object => ({
  id,
  run: `${project.tells('executed', id)}; ${project.waits('go')}`,
  completion: 'exit-code',
  ...more,
});

async function begin(tasks: readonly object[]): Promise<Readonly<Record<string, string>>> {
  await project.start();
  const plan = await project.plan({ objective: 'Lost', maxConcurrency: 20, tasks });
  await until('the agents', () => project.said('executed').length === tasks.length);
  return plan.tasks;
}

/** Kills the granted runner of this epoch. */
function killRunner(runId: string, epoch: number): void {
  process.kill(project.startRecord(runId, epoch).runner.pid, 'SIGKILL');
}

/** Says something to the supervisor as the runner of this epoch would. */
async function reportAs(
  runId: string,
  epoch: number,
  entries: readonly SpoolEntry[],
): Promise<readonly ReportResult[]> {
  const path = join(project.paths.runs, runId, RUN_FILES.contract(epoch));
  const { token } = JSON.parse(readFileSync(path, 'utf8')) as RunnerAddress;
  const record = JSON.parse(
    readFileSync(join(project.paths.runs, runId, RUN_FILES.agent(epoch)), 'utf8'),
  ) as RunnerAddress;
  const socket = createConnection(project.client.facts.socket);
  const peer = new RpcPeer(socket, { frameBytesMax: 1_048_576, methods: {} });
  try {
    await peer.call(HELLO, { protocol: PROTOCOL, version: 'test', role: 'runner' }, 5_000);
    const report = { runId, epoch, token, instance: record.instance, entries };
    return (await peer.call(RUNNER_CALLS.report, report, 5_000)) as readonly ReportResult[];
  } finally {
    socket.destroy();
  }
}

test("the old epoch's late completion is answered, recorded as rejected, and changes nothing", async () => {
  project = await ProjectFixture.make();
  const { one } = await begin([waiting('one', { restart: { backoffMs: 0 } })]);
  const { runId } = await project.runOf(one!);
  killRunner(runId, 1);
  await until('a second execution', () => project.said('executed').length === 2);
  const late = { kind: 'child.complete', status: 'succeeded', summary: 'too late', key: null, artifacts: [] } as const;
  const words = await reportAs(runId, 1, [{ seq: 50, at: Date.now(), body: late }]);
  expect(words).toEqual([{ result: 'rejected', seq: 50, reason: 'old_epoch', state: 'running' }]);
  const rejected = (await project.journal(runId)).filter(({ kind }) => kind === 'rejected');
  expect(rejected.map(({ event, reason }) => [event.type, reason])).toEqual([['child.complete', 'old_epoch']]);
  expect((await project.runOf(one!)).status).toBe('running');
  project.say('go');
  await project.taskIs(one!, 'completed');
  expect((await project.runOf(one!))['completion']).not.toMatchObject({ summary: 'too late' });
});

test('lost more often than the restart budget allows: the run is stale, its task needs a review and has a gate', async () => {
  project = await ProjectFixture.make();
  const { one } = await begin([waiting('one', { restart: { intensity: 1, backoffMs: 0 } })]);
  const { runId } = await project.runOf(one!);
  killRunner(runId, 1);
  await until('a second execution', () => project.said('executed').length === 2);
  killRunner(runId, 2);
  const task = await project.taskIs(one!, 'needs_review');
  const run = await project.runOf(one!);
  expect([run.status, run.end, run.epoch, task['runs']]).toEqual(['stale', 'restart_budget', 2, 1]);
  expect((await project.gates({ state: 'open' })).map(({ type, taskId }) => [type, taskId])).toEqual([
    ['needs_review', one],
  ]);
  expect(project.said('executed')).toHaveLength(2);
});

test("a child's completion made while the supervisor was away counts, also when its runner is killed before anybody hears it", async () => {
  project = await ProjectFixture.make();
  const complete = `conductor child complete succeeded --summary ready > ${project.at('word')}`;
  const run = `${project.tells('executed')}; ${project.waits('away')}; echo one > one.txt; ${complete}; ${project.waits('never')}`;
  const { one } = await begin([{ id: 'one', run }]);
  const { runId } = await project.runOf(one!);
  await project.kill();
  project.say('away');
  await until('the word', () => project.said('word').length === 1);
  expect(JSON.parse(project.said('word')[0]!)).toEqual({ applied: 'stored' });
  killRunner(runId, 1);
  await project.start();
  await project.taskIs(one!, 'completed');
  expect(project.said('executed')).toEqual(['executed']);
  const after = await project.runOf(one!);
  expect([after.status, after['completion']]).toEqual(['succeeded', { status: 'succeeded', summary: 'ready' }]);
  expect(project.git('show', `${after.branch!}:one.txt`)).toBe('one\n');
});

test('a supervisor that is stopped for longer than any gap and goes on ends no run', async () => {
  project = await ProjectFixture.make();
  const { one, two } = await begin([waiting('one'), waiting('two', { idleMs: 30_000 })]);
  process.kill(project.pid, 'SIGSTOP');
  const stoppedAt = performance.now();
  await until('8 s to pass', () => performance.now() - stoppedAt > 8_000);
  process.kill(project.pid, 'SIGCONT');
  const before = (await project.client.call('conductor_list_events', { tail: true, limit: 1 })).details as {
    items: readonly { seq: number }[];
  };
  // Two looks of the monitor at least.
  const continuedAt = performance.now();
  await until('3 s to pass', () => performance.now() - continuedAt > 3_000);
  for (const id of [one!, two!]) {
    const run = await project.runOf(id);
    expect([run.status, run.epoch, run['live']]).toMatchObject(['running', 1, { connected: true }]);
  }
  const { items } = await project.details<{ items: readonly { event: { type: string } }[] }>('conductor_list_events', {
    afterSequence: before.items[0]!.seq,
  });
  expect(items.map(({ event }) => event.type).filter((type) => /lost|expired|swept/.test(type))).toEqual([]);
  project.say('go');
  await project.taskIs(one!, 'completed');
  await project.taskIs(two!, 'completed');
  expect(project.said('executed').toSorted()).toEqual(['one', 'two']);
});

test('a runner that a restarted supervisor is still to start is not lost: the run keeps its epoch', async () => {
  project = await ProjectFixture.make();
  const held = { HOLD_AT: 'before:startRunner', HOLD_UNTIL: project.at('released') };
  await project.start(held);
  const { tasks } = await project.plan({ objective: 'Held', tasks: [waiting('one')] });
  await until('a run that starts', async () => (await project.runOf(tasks['one']!))?.status === 'starting');
  await project.kill();
  await project.start(held);
  const startedAt = performance.now();
  await until('the monitor to have looked', () => performance.now() - startedAt > 5_000);
  project.say('released');
  project.say('go');
  await project.taskIs(tasks['one']!, 'completed');
  expect([(await project.runOf(tasks['one']!)).epoch, project.said('executed')]).toEqual([1, ['one']]);
});
