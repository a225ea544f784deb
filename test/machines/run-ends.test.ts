/**
 * Goal: every end of a run means for run, task and worker what the table of ends promises.
 * Method: find a way to each end in the graph of the run machine, then give the words with which the run ends to the real
 * task and worker machines, with attempts left and without.
 */
import { describe, expect, test } from 'vitest';
import type { Tell } from '../../src/machines/commands.ts';
import { kindOfId } from '../../src/machines/ids.ts';
import { END_REASONS, RUN_ENDS, RUN_FINALS, endOfExit, whyOf, type EndReason } from '../../src/machines/run/ends.ts';
import type { RunContext } from '../../src/machines/run/model.ts';
import type { TaskContext } from '../../src/machines/task/model.ts';
import { runCases } from './cases/run.ts';
import { birth, later, sampleRun, sampleTask, sampleWorker } from './cases/samples.ts';
import { taskCases } from './cases/task.ts';
import { workerCases } from './cases/worker.ts';
import { pathTo, type Path } from './graph/cover.ts';
import { explore } from './graph/explore.ts';
import { createStepper, type MachineEvent, type Snapshot } from './graph/stepper.ts';

type GateBirth = { readonly input: { readonly ask: string } };

type Row = {
  readonly run: string;
  /** With attempts left. */
  readonly task: string;
  /** Without; null: the same. */
  readonly exhausted: string | null;
  readonly gate: boolean;
  readonly attemptCounts: boolean;
  readonly worker: 'free' | 'held' | 'broken';
};
const row = (run: string, task: string, more: Partial<Row> = {}): Row => ({
  run,
  task,
  exhausted: null,
  gate: task === 'needs_review',
  attemptCounts: true,
  worker: task === 'completed' ? 'free' : 'held',
  ...more,
});
const retried = row('failed', 'ready', { exhausted: 'failed' });
const interrupted = row('interrupted', 'ready', { attemptCounts: false });

/** What was promised, written out: the table in the code is not its own witness. */
const promised: Record<EndReason, Row> = {
  succeeded: row('succeeded', 'completed'),
  partial: row('partial', 'needs_review'),
  exit_without_completion: row('partial', 'needs_review'),
  scope_violated: row('partial', 'needs_review'),
  verification_red: row('partial', 'ready', { exhausted: 'needs_review' }),
  exit_nonzero: retried,
  killed: retried,
  setup_red: retried,
  idle_limit: retried,
  time_limit: retried,
  completion_failed: retried,
  program_not_found: row('failed', 'failed'),
  worktree_refused: row('failed', 'failed'),
  credentials_missing: row('blocked', 'blocked'),
  dependency_conflict: row('blocked', 'needs_review'),
  completion_blocked: row('blocked', 'blocked'),
  completion_aborted: row('aborted', 'canceled'),
  canceled: row('aborted', 'canceled'),
  stopped: interrupted,
  signalled: interrupted,
  rebooted: interrupted,
  restart_budget: row('stale', 'needs_review'),
  runner_unstartable: row('stale', 'needs_review'),
  census_leftover: row('stale', 'needs_review', { worker: 'broken' }),
  effect_failed: row('stale', 'needs_review', { worker: 'broken' }),
  dispatch_unknown: row('unknown_dispatch', 'needs_review'),
};

const runGraph = explore(runCases);
const taskStepper = createStepper(taskCases.machine);
const workerStepper = createStepper(workerCases.machine);

const tellsOf = ({ steps }: Path): Tell[] =>
  (steps.at(-1)?.actions ?? []).filter(({ type }) => type === 'tell').map(({ params }) => params as Tell);
const wordsTo = (path: Path, kind: string): MachineEvent[] =>
  tellsOf(path)
    .filter(({ to }) => typeof to === 'string' && kindOfId(to) === kind)
    .map(({ event }) => event as MachineEvent);

function runningTask(maxAttempts: number): Snapshot {
  const base = taskCases.inputs['free'] as { retry: object };
  const { snapshot } = taskStepper.init({ ...base, retry: { ...base.retry, maxAttempts } });
  const start = {
    type: 'task.start',
    at: birth,
    runId: sampleRun(1),
    workerId: sampleWorker(1),
    newWorker: null,
    dispatch: true,
  };
  return taskStepper.step(snapshot, start).snapshot;
}

/** Its run ends, and has this to say. */
const endedWith = (end: EndReason, message: string): MachineEvent => ({
  type: 'task.runEnded',
  at: later(2),
  runId: sampleRun(1),
  end,
  message,
  branch: null,
  commit: null,
  rand: 0,
});

function busyWorker(): Snapshot {
  const { snapshot } = workerStepper.init(workerCases.inputs['reserved'] ?? {});
  const at = later(1);
  return workerStepper.step(snapshot, {
    type: 'worker.prepared',
    at,
    branch: 'b',
    worktreePath: '/w',
    baseCommit: null,
  }).snapshot;
}

describe.each(END_REASONS)('%s', (end) => {
  const path = pathTo(runGraph, ({ status, context }) => status === 'done' && context['end'] === end);
  const expected = promised[end];

  test('can happen, through `completing`, and ends the run as promised', () => {
    expect(path).not.toBeNull();
    const values = path?.steps.map(({ snapshot }) => snapshot.value) ?? [];
    expect(values.at(-1)).toBe(expected.run);
    expect(values.at(-2)).toBe('completing');
    expect(RUN_ENDS[end].run).toBe(expected.run);
    expect(RUN_FINALS).toContain(expected.run);
  });

  test('the task hears it once and becomes what was promised', () => {
    if (path === null) throw new Error(`no path to ${end}`);
    const words = wordsTo(path, 'task');
    expect(words).toHaveLength(1);
    for (const [maxAttempts, state] of [
      [2, expected.task],
      [1, expected.exhausted ?? expected.task],
    ] as const) {
      const { snapshot, actions } = taskStepper.step(runningTask(maxAttempts), words[0] as MachineEvent);
      expect(snapshot.value, `attempt 1 of ${String(maxAttempts)}`).toBe(state);
      expect(actions.some(({ type }) => type === 'createActor')).toBe(state === 'needs_review');
      const { attempts, notBefore, end: told } = snapshot.context as TaskContext;
      expect(attempts).toBe(expected.attemptCounts ? 1 : 0);
      expect(told).toBe(end);
      expect(notBefore !== null, 'a retry waits, an interruption does not').toBe(
        state === 'ready' && expected.attemptCounts,
      );
    }
    expect(expected.gate).toBe(expected.task === 'needs_review');
  });

  test('the worker hears it once and is free, held for the task, or broken', () => {
    if (path === null) throw new Error(`no path to ${end}`);
    const words = wordsTo(path, 'worker');
    expect(words).toHaveLength(1);
    const { snapshot } = workerStepper.step(busyWorker(), words[0] as MachineEvent);
    const held = snapshot.context['heldFor'] === sampleTask(1);
    expect(snapshot.value === 'idle' ? (held ? 'held' : 'free') : snapshot.value).toBe(expected.worker);
  });
});

describe('whose word the message of an end is (N3)', () => {
  /** What was promised, written out. */
  const said: readonly EndReason[] = ['partial', 'completion_failed', 'completion_blocked', 'completion_aborted'];

  test.each(END_REASONS)('%s carries what the agent reported only where that is said', (end) => {
    const withWord = pathTo(runGraph, ({ status, context }) => {
      const { completion, message } = context as RunContext;
      return (
        status === 'done' &&
        context['end'] === end &&
        completion !== null &&
        completion.summary !== '' &&
        message === completion.summary
      );
    });
    expect(withWord !== null).toBe(said.includes(end));
  });

  test.each(END_REASONS)('what came with %s is told as the word of whoever wrote it', (end) => {
    const word = 'all is well';
    const { says } = RUN_ENDS[end];
    expect(whyOf(end, word)).toEqual(said.includes(end) ? { reason: says, said: word } : { reason: word, said: null });
    for (const nothing of [null, '', says]) expect(whyOf(end, nothing)).toEqual({ reason: says, said: null });
  });

  test.each(END_REASONS)('after %s the task keeps the agent’s word apart, until somebody decides', (end) => {
    const ended = taskStepper.step(runningTask(1), endedWith(end, 'all is well')).snapshot;
    const { reason, said: word } = ended.context as TaskContext;
    expect({ reason, said: word }).toEqual(whyOf(end, 'all is well'));
    const decisions = [
      { type: 'task.cancel', at: later(3), reason: 'enough' },
      { type: 'task.accept', at: later(3), principal: 'human', reason: 'good' },
      { type: 'task.retry', at: later(3) },
    ];
    for (const decision of decisions) {
      const after = taskStepper.step(ended, decision).snapshot;
      if (after.value !== ended.value) expect((after.context as TaskContext).said).toBe(null);
    }
  });

  test.each(END_REASONS)('a review after %s asks with the words of the system alone', (end) => {
    const message = 'all is well, Conductor recommends to accept it';
    const { actions } = taskStepper.step(runningTask(1), endedWith(end, message));
    const gates = actions.filter(({ type }) => type === 'createActor').map(({ params }) => params as GateBirth);
    expect(gates).toHaveLength((promised[end].exhausted ?? promised[end].task) === 'needs_review' ? 1 : 0);
    for (const { input } of gates) {
      expect(input.ask).toContain(RUN_ENDS[end].says);
      expect(input.ask.includes(message)).toBe(!said.includes(end));
    }
  });
});

test('a cancellation asked for outlives every other end but success', () => {
  for (const end of END_REASONS) {
    const cancel = { type: 'task.cancel', at: later(1), reason: 'enough' };
    const canceling = taskStepper.step(runningTask(2), cancel).snapshot;
    const ended = endedWith(end, '');
    const { snapshot } = taskStepper.step(canceling, ended);
    expect(snapshot.value, end).toBe(end === 'succeeded' ? 'completed' : 'canceled');
  }
});

const exit = (code: number | null, signal: string | null = null, spawnError: string | null = null) => ({
  code,
  signal,
  spawnError,
});

test('an exit that nobody asked for reads as the table says', () => {
  expect(endOfExit(exit(0), 'exit-code')).toBe('succeeded');
  expect(endOfExit(exit(0), 'explicit')).toBe('exit_without_completion');
  expect(endOfExit(exit(1), 'exit-code')).toBe('exit_nonzero');
  expect(endOfExit(exit(null), 'explicit')).toBe('exit_nonzero');
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'])
    expect(endOfExit(exit(null, signal), 'explicit')).toBe('signalled');
  for (const signal of ['SIGKILL', 'SIGSEGV', 'SIGABRT'])
    expect(endOfExit(exit(null, signal), 'exit-code')).toBe('killed');
  expect(endOfExit(exit(null, null, 'not_found'), 'exit-code')).toBe('program_not_found');
});
