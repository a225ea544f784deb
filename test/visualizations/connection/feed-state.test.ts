/**
 * Goal: what the page knows follows from the messages, whatever their order and however often they come.
 * Method: apply snapshots, changes and pulses of a made-up project.
 */
import { expect, test } from 'vitest';
import type { FeedEntry, ProgressNote, ServerMessage } from '../../../src/hosts/inspector/protocol.ts';
import type { OverviewItems, OverviewTask } from '../../../src/operations/read-models/overview.ts';
import {
  applyChanges,
  applyPulse,
  applySnapshot,
  EMPTY_FEED,
  type FeedState,
} from '../../../visualizations/src/connection/feed-state.ts';
import { headlineOf, headlineText } from '../../../visualizations/src/app/headline.ts';
import { fixtureItems, fixtureOverview } from '../fixture-project.ts';

const now = 1_700_000_000_000;
const items = fixtureItems('plain', now);
const project = { key: 'k', repoRoot: '/r', name: 'r', version: '0', startedAt: now, epoch: 1 };
const none: OverviewItems = { objectives: [], tasks: [], runs: [], gates: [], workers: [] };

const snapshot = (seq: number): Extract<ServerMessage, { type: 'snapshot' }> => ({
  type: 'snapshot',
  project,
  overview: fixtureOverview(items, { seq, lastSeq: seq, now }),
});
const entry = (seq: number): FeedEntry => ({
  seq,
  at: now + seq,
  commit: seq,
  kind: 'transition',
  actor: 'task-1',
  machine: 'task',
  version: '1',
  event: { type: 'task.progressed' },
  from: 'running',
  to: 'running',
  taken: [],
  principal: 'system',
  objectiveId: null,
  taskId: null,
  runId: null,
  reason: null,
});
const changes = (
  seqs: readonly number[],
  changed: Partial<OverviewItems> = {},
  progress: readonly ProgressNote[] = [],
) => ({
  type: 'changes' as const,
  lastSeq: seqs.at(-1) ?? 0,
  lastAt: now + (seqs.at(-1) ?? 0),
  watch: null,
  entries: seqs.map((seq) => entry(seq)),
  items: { ...none, ...changed },
  progress,
  pulse: null,
});
const begun: FeedState = applySnapshot(EMPTY_FEED, snapshot(500));
const task = items.tasks[0]!;
const revised = (revision: number, progress: string): OverviewTask => ({ ...task, revision, progress });

test('a snapshot replaces everything that was known', () => {
  const other = applyChanges(begun, changes([501], { tasks: [{ ...task, taskId: 'task-gone', revision: 9 }] })).state;
  const again = applySnapshot(other, snapshot(600));
  expect(again.items.tasks.has('task-gone')).toBe(false);
  expect(again.items.tasks.size).toBe(items.tasks.length);
  expect(again.lastSeq).toBe(600);
});

test('F1: what did not change is the same object', () => {
  const { state } = applyChanges(begun, changes([501], { tasks: [revised(2, 'further')] }));
  expect(state.items.tasks).not.toBe(begun.items.tasks);
  expect(begun.items.tasks.get(task.taskId)?.progress).toBe(task.progress);
  expect(state.items.runs).toBe(begun.items.runs);
  expect(state.items.tasks.get(items.tasks[1]!.taskId)).toBe(begun.items.tasks.get(items.tasks[1]!.taskId));
  expect(applyChanges(begun, changes([501])).state.items).toBe(begun.items);
});

test('F2: entries that are known already are dropped, the rest are given once and in order', () => {
  const first = applyChanges(begun, changes([499, 500, 501, 502]));
  expect(first.fresh.map(({ seq }) => seq)).toEqual([501, 502]);
  const second = applyChanges(first.state, changes([501, 502, 503]));
  expect(second.fresh.map(({ seq }) => seq)).toEqual([503]);
  expect(second.state).toMatchObject({ lastSeq: 503, lastAt: now + 503 });
});

test('F3: the higher revision counts, whatever comes first', () => {
  const newer = applyChanges(begun, changes([501], { tasks: [revised(5, 'newer')] })).state;
  const late = applyChanges(newer, changes([502], { tasks: [revised(4, 'older')] })).state;
  expect(late.items.tasks.get(task.taskId)?.progress).toBe('newer');
});

test('F3: a note of progress changes that alone, comes after what came with it, and counts once', () => {
  const { taskId, title } = task;
  const note = (text: string) => [
    { id: taskId, taskId: null, text, at: now + 7 },
    { id: 'run-unknown', taskId: null, text, at: now },
  ];
  const { state } = applyChanges(begun, changes([501], {}, note('half')));
  expect(state.items.tasks.get(taskId)).toEqual({ ...task, progress: 'half', progressAt: now + 7, updatedAt: now + 7 });
  expect(state.items.runs.has('run-unknown')).toBe(false);
  expect(begun.items.tasks.get(taskId)?.progress).toBe(task.progress);
  const repeated = applyChanges(state, changes([501], {}, note('again'))).state;
  expect(repeated.items.tasks.get(taskId)?.progress).toBe('half');
  const whole = applyChanges(state, changes([502], { tasks: [revised(2, 'whole')] })).state;
  expect(whole.items.tasks.get(taskId)).toMatchObject({ title, progress: 'whole' });
  const ofRun = { id: task.runId!, taskId, text: 'both', at: now + 8 };
  const both = applyChanges(state, changes([502], {}, [ofRun])).state;
  expect(both.items.tasks.get(taskId)).toMatchObject({ progress: 'both', progressAt: now + 8 });
  expect(both.items.runs.get(ofRun.id)).toMatchObject({ progress: 'both', progressAt: now + 8 });
});

test('a pulse that goes along counts as one of its own', () => {
  const { at, runs } = pulse(now, 1_000);
  const along = applyChanges(begun, { ...changes([501]), pulse: { at, runs } }).state;
  expect(along.pulses).toEqual(applyPulse(begun, { at, runs }).pulses);
  expect(applyChanges(along, changes([502])).state.pulses).toBe(along.pulses);
});

const pulse = (at: number, outputBytes: number, idleMs = 0) => ({
  at,
  runs: [{ runId: 'run-1', phase: null, idleMs, outputBytes, connected: true, memoryBytes: null, cpuPercent: null }],
});
const rateOf = (state: FeedState): number | null | undefined => state.pulses.get('run-1')?.bytesPerSecond;

test('the output rate is what came between two reports of the runner, however often they are repeated', () => {
  const first = applyPulse(begun, pulse(now, 1_000));
  expect(rateOf(first)).toBeNull();
  const repeated = applyPulse(first, pulse(now + 2_000, 1_000));
  const grown = applyPulse(repeated, pulse(now + 4_000, 9_000));
  expect(rateOf(grown)).toBe(2_000);
  expect(rateOf(applyPulse(grown, pulse(now + 6_000, 9_000)))).toBe(2_000);
  expect(rateOf(applyPulse(grown, pulse(now + 14_000, 9_000)))).toBe(0);
  expect(rateOf(applyPulse(grown, pulse(now + 6_000, 10)))).toBe(0);
  expect(applyPulse(grown, { at: now + 6_000, runs: [] }).pulses.size).toBe(0);
});

test('silence goes on while the same report is repeated', () => {
  const first = applyPulse(begun, pulse(now, 0, 3_000));
  const repeated = applyPulse(first, pulse(now + 2_000, 0, 3_000));
  expect(repeated.pulses.get('run-1')?.heardAt).toBe(now - 3_000);
  expect(applyPulse(repeated, pulse(now + 4_000, 0, 100)).pulses.get('run-1')?.heardAt).toBe(now + 3_900);
});

test('completed tasks that are too many for the page still count', () => {
  const message = snapshot(500);
  const counted = { ...message, overview: { ...message.overview, counts: { tasks: { completed: 1_000 } } } };
  const state = applySnapshot(EMPTY_FEED, counted);
  expect(headlineOf(state.items, state.omittedDone).done).toBe(1_000);
});

test('one line of plain words says how the project stands', () => {
  expect(headlineText({ running: 3, waiting: 1, failed: 0, done: 12 })).toBe('3 running, 1 waits for you, 12 done');
  expect(headlineText({ running: 0, waiting: 2, failed: 1, done: 0 })).toBe('2 wait for you, 1 failed');
  expect(headlineText({ running: 0, waiting: 0, failed: 0, done: 0 })).toBe('Nothing runs and nothing waits');
});
