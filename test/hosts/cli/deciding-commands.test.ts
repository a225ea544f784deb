/**
 * Goal: decisions reach the operation that makes them, once, and a high-risk one only through a person's typing.
 * Method: every deciding command against a table; what was called is compared whole.
 */
import { describe, expect, test } from 'vitest';
import { conductor, fakeIo, type FakeProject } from './surroundings.ts';
import { idOf, OBJECTIVE } from './journal.ts';

const taskId = idOf('task', 'a');
const runId = idOf('run', 'a');
const gateId = idOf('gate', 'a1b2c3');
const shown: Readonly<Record<string, unknown>> = {
  'task-0': {
    kind: 'task',
    item: { taskId, runId, state: 'running' },
    runs: [{ runId, status: 'running', endedAt: null }],
  },
  'run-0': { kind: 'run', item: { runId, status: 'running', endedAt: null } },
  'objective-0': { kind: 'objective', item: { objectiveId: OBJECTIVE }, runs: [{ runId, status: 'running' }] },
};
const gateOf = (type: string, state = 'open') => ({
  kind: 'gate',
  item: { gateId, type, state, askedBy: 'child_run', ask: 'Push it?\u001b[2J' },
});

const project = (answers: Readonly<Record<string, unknown>>): FakeProject => ({
  answers: {
    conductor_show: ({ id }: { readonly id: string }) => shown[id],
    conductor_cancel_task: { changed: true },
    conductor_cancel_task_run: { changed: true },
    conductor_cancel_objective: { changed: true },
    conductor_retry_task: { taskId, changed: true },
    conductor_accept_task: { taskId, state: 'completed', gateId: null },
    conductor_resolve_gate: { gateId, state: 'approved' },
    ...answers,
  },
});

describe('cancel', () => {
  test.each([
    ['task-0', 'conductor_cancel_task', 'taskId', taskId],
    ['run-0', 'conductor_cancel_task_run', 'runId', runId],
    ['objective-0', 'conductor_cancel_objective', 'objectiveId', OBJECTIVE],
  ] as const)('%s calls %s', async (...[prefix, operation, name, id]) => {
    const ran = await conductor(['cancel', prefix, '--no-wait', '--json'], project({}));
    expect(ran).toMatchObject({ exitCode: 0, opened: ['start'] });
    expect(ran.calls.at(-1)).toMatchObject({ operation, params: { [name]: id, reason: 'conductor cancel' } });
    expect(JSON.parse(ran.out)).toEqual({ [name]: id, changed: true });
  });

  test('returns when the processes are gone', async () => {
    let looks = 0;
    const conductor_show = () => {
      looks += 1;
      return { kind: 'run', item: { runId, status: looks < 4 ? 'completing' : 'aborted' } };
    };
    expect(await conductor(['cancel', 'run-0'], project({ conductor_show }))).toMatchObject({ exitCode: 0 });
    expect(looks).toBe(4);
  });

  test('what has ended already is done, with changed: false', async () => {
    const ran = await conductor(['cancel', 'task-0', '--json'], project({ conductor_cancel_task: { changed: false } }));
    expect({ exitCode: ran.exitCode, out: JSON.parse(ran.out) as unknown }).toEqual({
      exitCode: 0,
      out: { taskId, changed: false },
    });
  });

  test('a gate is nothing to cancel', async () => {
    const answers = { conductor_show: gateOf('needs_input') };
    expect(await conductor(['cancel', 'gate-0'], project(answers))).toMatchObject({ exitCode: 2 });
  });
});

test('retry', async () => {
  const { exitCode, calls } = await conductor(['retry', 'task-0'], project({}));
  expect(exitCode).toBe(0);
  expect(calls.at(-1)).toMatchObject({ operation: 'conductor_retry_task', params: { taskId } });
});

test('accept keeps the reason', async () => {
  const { calls } = await conductor(['accept', 'task-0', '--reason', 'read it'], project({}));
  expect(calls.at(-1)).toMatchObject({ operation: 'conductor_accept_task', params: { taskId, reason: 'read it' } });
});

describe('gate', () => {
  test('answer approves with the answer, also from stdin', async () => {
    const answers = { conductor_show: gateOf('needs_input') };
    for (const word of ['the second', '-']) {
      const io = fakeIo({ input: 'the second\n' });
      const { calls } = await conductor(['gate', 'answer', 'gate-0', word], project(answers), io);
      expect(calls.at(-1)).toMatchObject({ params: { gateId, status: 'approved', answer: 'the second' }, options: {} });
    }
  });

  test('reject', async () => {
    const answers = { conductor_show: gateOf('ready_for_pr') };
    const { calls } = await conductor(['gate', 'reject', 'gate-0', '--reason', 'no'], project(answers));
    expect(calls.at(-1)?.params).toEqual({ gateId, status: 'rejected', resolutionReason: 'no' });
  });

  test('an ordinary gate is approved without a question', async () => {
    const answers = { conductor_show: gateOf('needs_review') };
    const { exitCode, calls } = await conductor(['gate', 'approve', 'gate-0'], project(answers));
    expect({ exitCode, options: calls.at(-1)?.options }).toEqual({ exitCode: 0, options: {} });
  });

  describe.each(['approval_required', 'ready_for_pr', 'destructive_cleanup'])('G1: %s', (type) => {
    const answers = { conductor_show: gateOf(type) };
    const approve = ['gate', 'approve', 'gate-0', '--reason', 'yes'];

    test('is approved by typing the end of its id at a terminal', async () => {
      const io = fakeIo({ terminal: true, input: `${gateId.slice(-6)}\n` });
      const { exitCode, calls, err } = await conductor(approve, project(answers), io);
      expect(exitCode).toBe(0);
      expect(calls.at(-1)?.options).toEqual({ challenge: { gateId, typed: gateId.slice(-6) } });
      expect(err).toContain('Push it? [2J');
    });

    test.each(['', 'y', gateId.slice(-5), gateId])('is not by %j', async (typed) => {
      const io = fakeIo({ terminal: true, input: typed });
      const { exitCode, calls } = await conductor(approve, project(answers), io);
      expect({ exitCode, asked: calls.map(({ operation }) => operation) }).toEqual({
        exitCode: 1,
        asked: ['conductor_show'],
      });
    });

    test('is not without a terminal', async () => {
      const io = fakeIo({ input: `${gateId.slice(-6)}\n` });
      const { exitCode, err, calls } = await conductor(approve, project(answers), io);
      expect({ exitCode, calls: calls.length }).toEqual({ exitCode: 1, calls: 1 });
      expect(err).toMatch(/a person approves it at a terminal/);
    });
  });
});

const worker = (name: string | null, state: string) => ({
  workerId: idOf('worker', name ?? 'z'),
  name,
  state,
  branch: 'conductor/x',
  worktreePath: '/w/x',
  rescueRef: 'refs/conductor/rescue/x/1',
  reason: null,
});

describe('workers', () => {
  const list = { items: [worker('builder', 'idle'), worker(null, 'busy')], nextCursor: null, total: 2 };

  test('cleanup by name waits until the worktree is gone, and says how it comes back', async () => {
    const states = ['cleaning', 'archived'];
    const answers = {
      conductor_list_workers: list,
      conductor_cleanup_worker: { workerId: idOf('worker', 'builder'), changed: true, state: 'cleaning', gateId: null },
      conductor_get_worker: () => ({ worker: worker('builder', states.shift() ?? 'archived') }),
    };
    const { exitCode, out } = await conductor(['workers', 'cleanup', 'builder'], project(answers));
    expect({ exitCode, left: states }).toEqual({ exitCode: 0, left: [] });
    expect(out).toContain(`conductor restore ${idOf('worker', 'builder')}`);
    expect(out).toContain('1 worktree removed');
  });

  test('cleanup of unfinished work names its gate and ends with 1', async () => {
    const answers = {
      conductor_list_workers: list,
      conductor_cleanup_worker: { workerId: idOf('worker', 'builder'), changed: false, state: 'idle', gateId },
    };
    const { exitCode, out } = await conductor(['workers', 'cleanup', 'builder'], project(answers));
    expect(exitCode).toBe(1);
    expect(out).toContain(`conductor gate approve ${gateId}`);
  });

  test('cleanup of an objective leaves those that are busy', async () => {
    const answers = {
      conductor_list_workers: list,
      conductor_cleanup_worker: { workerId: 'w', changed: true, state: 'cleaning', gateId: null },
      conductor_get_worker: { worker: worker('builder', 'archived') },
    };
    const { calls } = await conductor(['workers', 'cleanup', '--objective', 'objective-0'], project(answers));
    const cleaned = calls.filter(({ operation }) => operation === 'conductor_cleanup_worker');
    expect(cleaned.map(({ params }) => params)).toEqual([{ workerId: idOf('worker', 'builder') }]);
  });

  test('recover says when it is still broken', async () => {
    const answers = {
      conductor_list_workers: list,
      conductor_recover_worker: { workerId: 'w', state: 'recovering' },
      conductor_get_worker: { worker: { ...worker('builder', 'broken'), reason: 'no space' } },
    };
    const { exitCode, out } = await conductor(['workers', 'recover', 'builder'], project(answers));
    expect(exitCode).toBe(1);
    expect(out).toContain('still broken: no space');
  });
});
