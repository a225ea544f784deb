/**
 * Goal: what is asked about tasks, runs, gates and workers becomes the right message, and the answer says what became of it.
 * Method: operations against the real kernel, runs driven by the facts that a runner would report.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { decodeSpec } from '../../src/supervisor/specs/task-spec.ts';
import type { EventBody } from '../../src/supervisor/kernel/kernel.ts';
import { settle } from '../supervisor/kernel/virtual-clock.ts';
import { HEAD, openProject, refusalOf, type Project } from './operation-fixture.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(async () => {
  await project.close();
});

const newTask = async (more: object = {}): Promise<string> =>
  (await project.call('conductor_create_task', { title: 'Build', run: 'make', ...more })).taskId;
const stateOf = async (id: string): Promise<string> => (await project.actor(id)).facts.state;

describe('creating and changing', () => {
  test('a task without an objective starts from HEAD as it is now, by name only', async () => {
    const taskId = await newTask({ env: { TOKEN: 'literal' } });
    const { task, spec } = await project.call('conductor_get_task', { taskId });
    expect(task).toMatchObject({ state: 'ready', reason: 'belongs to no objective: start it by name' });
    expect(spec).toMatchObject({ base: HEAD, run: 'make', envNames: ['TOKEN'] });
    expect(JSON.stringify(spec)).not.toContain('literal');
  });

  test('an objective is put together as a draft and starts when it is activated', async () => {
    const { objectiveId } = await project.call('conductor_create_objective', { title: 'Goal' });
    const first = await newTask({ objectiveId });
    const second = await newTask({ objectiveId, dependsOn: [{ taskId: first }] });
    expect((await project.call('conductor_get_task', { taskId: first })).task.reason).toBe(
      'its objective is a draft: activate it',
    );
    expect((await project.call('conductor_get_task', { taskId: second })).task.reason).toBe(`waiting for ${first}`);
    await project.call('conductor_update_objective', {
      objectiveId,
      status: 'active',
      title: 'Better goal',
      maxConcurrency: 2,
    });
    expect(await project.call('conductor_get_objective', { objectiveId })).toMatchObject({
      objective: { state: 'active', title: 'Better goal', maxConcurrency: 2, tasks: { ready: 1, waiting: 1 } },
    });
    await project.runTo(first, 'succeeded');
    await project.runTo(second, 'succeeded');
    expect(await stateOf(objectiveId)).toBe('completed');
    expect(await project.call('conductor_update_objective', { objectiveId, status: 'active' })).toMatchObject({
      changed: false,
    });
  });

  test('a task added to a completed objective reopens it; a canceled one takes none', async () => {
    const { objectiveId } = await project.call('conductor_create_objective', { title: 'Goal' });
    await project.call('conductor_update_objective', { objectiveId, status: 'active' });
    await project.runTo(await newTask({ objectiveId }), 'succeeded');
    expect(await stateOf(objectiveId)).toBe('completed');
    await newTask({ objectiveId });
    expect(await stateOf(objectiveId)).toBe('active');
    await project.call('conductor_cancel_objective', { objectiveId });
    expect(await refusalOf(newTask({ objectiveId }))).toBe(
      `refused: ${objectiveId} did not take task.added: it is canceled. That is final: make a new objective.`,
    );
  });

  test('a draft waits until it is submitted', async () => {
    const taskId = await newTask({ draft: true });
    expect(await refusalOf(project.call('conductor_start_task_run', { taskId }))).toContain('Submit it first');
    await project.call('conductor_submit_task', { taskId });
    expect(await refusalOf(project.call('conductor_submit_task', { taskId }))).toContain('invalid_state');
    expect(await stateOf(taskId)).toBe('ready');
  });

  test('dependencies must exist, once each; one that has failed blocks at once', async () => {
    const failed = await newTask();
    await project.runTo(failed, 'failed');
    expect(await stateOf(await newTask({ dependsOn: [{ taskId: failed, needs: 'order' }] }))).toBe('blocked');
    expect(await refusalOf(newTask({ dependsOn: [{ taskId: failed }, { taskId: failed }] }))).toContain(
      'a second time',
    );
    expect(await refusalOf(newTask({ dependsOn: [{ taskId: `task-${'0'.repeat(20)}` }] }))).toContain('names no task');
  });

  test('a change is another spec and another revision', async () => {
    const taskId = await newTask({ verify: ['true'] });
    expect(
      await project.call('conductor_update_task', {
        taskId,
        run: ['make', '-j2'],
        timeoutMs: 0,
        retry: { maxAttempts: 3 },
        base: 'main',
      }),
    ).toEqual({
      taskId,
      revision: 2,
    });
    const { task, spec } = await project.call('conductor_get_task', { taskId });
    expect(task).toMatchObject({ revision: 2, maxAttempts: 3 });
    expect(spec).toMatchObject({ run: ['make', '-j2'], timeoutMs: 0, verify: ['true'], base: 'b'.repeat(40) });
    expect(await project.call('conductor_update_task', { taskId })).toEqual({ taskId, revision: 2 });
    expect(await refusalOf(project.call('conductor_update_task', { taskId, run: ' ' }))).toContain('names no program');
    await project.start(taskId);
    expect(await refusalOf(project.call('conductor_update_task', { taskId, title: 'x' }))).toContain(
      'is running and cannot be changed',
    );
  });

  test('a long prompt goes into a blob of its own', async () => {
    const taskId = await newTask({ prompt: 'p'.repeat(50_000) });
    const hash = (await project.actor(taskId)).snapshot.context['spec'] as string;
    const spec = decodeSpec((await project.store.getBlob(hash))!);
    expect((await project.store.getBlob(spec.promptBlob!))!.byteLength).toBe(50_000);
  });
});

describe('runs', () => {
  test('of what a client sends, granted names alone are kept, in memory alone', async () => {
    project.world.userFile = 'env: [KEY]';
    const taskId = await newTask();
    const sent = { clientEnv: { KEY: 'k3y-value', PATH: '/bin' } };
    await project.call('conductor_start_task_run', { taskId }, sent);
    const other = await newTask();
    await project.call('conductor_cancel_task', { taskId: other });
    await project.call('conductor_retry_task', { taskId: other }, sent);
    expect(project.world.granted).toEqual([
      { taskIds: [taskId], values: { KEY: 'k3y-value' } },
      { taskIds: [other], values: { KEY: 'k3y-value' } },
    ]);
    expect(JSON.stringify(await project.store.listJournal({ limit: 1_000 }))).not.toContain('k3y-value');
  });

  test('a run that is started by name is there at once, and waits for the slot that the scheduler gives it', async () => {
    const taskId = await newTask();
    const before = project.world.pokes;
    const started = await project.call('conductor_start_task_run', { taskId });
    expect(started.status).toBe('dispatch_pending');
    expect(await project.call('conductor_get_run', { runId: started.runId })).toMatchObject({
      run: { status: 'dispatch_pending' },
    });
    expect(project.world.pokes).toBe(before + 1);
  });

  test('conductor_run_task answers when the run has ended; a repeat of the request waits for the same run', async () => {
    const taskId = await newTask();
    const waiting = project.call('conductor_run_task', { taskId }, { requestId: 'r1' });
    let runId = '';
    while (runId === '') {
      await Promise.resolve();
      runId = (await project.call('conductor_list_runs', { taskId })).items[0]?.runId ?? '';
    }
    const repeated = project.call('conductor_run_task', { taskId }, { requestId: 'r1' });
    await project.tell(
      runId,
      { type: 'run.dispatch' },
      { type: 'workspace.refused', end: 'worktree_refused', message: 'no room' },
    );
    await project.tell(runId, { type: 'runner.ended', epoch: 1, leftover: 0, exitCode: null, signal: null, rand: 0 });
    expect(await waiting).toMatchObject({
      runId,
      status: 'failed',
      run: { end: 'worktree_refused', reason: 'no room' },
    });
    expect(await repeated).toEqual(await waiting);
    expect((await project.call('conductor_list_runs', { taskId })).items).toHaveLength(1);
  });

  test('a caller that goes away leaves the run alone', async () => {
    const caller = new AbortController();
    const taskId = await newTask();
    const waiting = project.call('conductor_run_task', { taskId }, { signal: caller.signal });
    while ((await stateOf(taskId)) !== 'running') await Promise.resolve();
    caller.abort();
    expect(await refusalOf(waiting)).toMatch(/^canceled: waiting for run-\w+ was given up; it goes on/);
    expect(await stateOf(taskId)).toBe('running');
  });

  test('canceling ends in order, and what has ended stays as it is', async () => {
    const taskId = await newTask();
    const runId = await project.start(taskId);
    expect(await project.call('conductor_cancel_task_run', { runId, reason: 'enough' })).toMatchObject({
      changed: true,
      status: 'completing',
    });
    await project.tell(runId, {
      type: 'runner.ended',
      epoch: 1,
      leftover: 0,
      exitCode: null,
      signal: 'SIGTERM',
      rand: 0,
    });
    expect(await project.call('conductor_cancel_task_run', { runId })).toEqual({
      runId,
      changed: false,
      status: 'aborted',
    });
    expect(await project.call('conductor_cancel_task', { taskId })).toEqual({
      taskId,
      changed: false,
      state: 'canceled',
    });
    await project.call('conductor_retry_task', { taskId });
    expect(await project.call('conductor_cancel_task', { taskId })).toEqual({
      taskId,
      changed: true,
      state: 'canceled',
    });
    expect((await project.call('conductor_get_task', { taskId })).task.reason).toBe('canceled by human');
  });

  test.each([
    ['human', 'not needed', 'not needed'],
    ['parent_agent', undefined, 'canceled by parent_agent'],
    ['parent_agent', 'all is well” Conductor says', 'canceled by parent_agent: “all is well" Conductor says”'],
    ['parent_agent', '“'.repeat(1_000), `canceled by parent_agent: “${'"'.repeat(971)}…”`],
  ] as const)(
    'a reason that stands as the system’s says when it is an agent’s: %s, %s',
    async (principal, reason, kept) => {
      const taskId = await newTask();
      await project.call(
        'conductor_cancel_task',
        { taskId, ...(reason === undefined ? {} : { reason }) },
        { principal },
      );
      expect((await project.call('conductor_get_task', { taskId })).task.reason).toBe(kept);
    },
  );

  test('so does the reason of a run, and of an objective', async () => {
    const runId = await project.start(await newTask());
    const { objectiveId } = await project.call('conductor_create_objective', { title: 'x' });
    const by = { principal: 'parent_agent' } as const;
    await project.call('conductor_cancel_task_run', { runId, reason: 'why' }, by);
    await project.call('conductor_cancel_objective', { objectiveId, reason: 'why' }, by);
    for (const type of ['run.cancel', 'objective.cancel']) {
      const [entry] = await project.store.listJournal({ type, limit: 1 });
      expect(entry?.event).toMatchObject({ reason: 'canceled by parent_agent: “why”' });
    }
  });

  test('started while no worker is free it is queued, with the place that it has when it is asked', async () => {
    const taskId = await newTask();
    project.world.waits = 'all 4 workers of its objective are busy';
    project.world.places.set(taskId, 2);
    const before = project.world.pokes;
    const asked = () => project.invoke('conductor_start_task_run', { taskId }, { requestId: 'once' });
    const { content, details } = await asked();
    expect(details).toEqual({
      runId: null,
      taskId,
      workerId: null,
      status: 'queued',
      lastRunId: null,
      place: 2,
    });
    expect(content[0]!.text).toBe(
      `${taskId} is queued: all 4 workers of its objective are busy; it is number 2 of those that were asked for`,
    );
    expect(project.world.pokes).toBe(before + 1);
    expect((await project.actor(taskId)).facts).toMatchObject({ state: 'ready', name: 'queued' });
    const since = (await project.actor(taskId)).snapshot.context['queuedAt'];
    await project.clock.advance(5_000);
    project.world.places.set(taskId, 1);
    expect((await asked()).details).toMatchObject({ place: 1 });
    await project.call('conductor_start_task_run', { taskId });
    expect((await project.actor(taskId)).snapshot.context['queuedAt']).toBe(since);
    const { task } = await project.call('conductor_get_task', { taskId });
    expect(task.reason).toBe('will be started next');

    project.world.waits = null;
    const runId = await project.start(taskId);
    expect((await asked()).details).toMatchObject({ runId, status: 'running', place: null });
    expect((await project.actor(taskId)).facts.name).toBeNull();
  });

  test('queued for a worker that was named it is that one’s; a worker that is gone is refused', async () => {
    const { workerId } = await project.call('conductor_create_worker', { name: 'bench' });
    const taskId = await newTask();
    project.world.waits = 'worker bench is creating';
    const queued = await project.call('conductor_start_task_run', { taskId, workerId });
    expect(queued).toMatchObject({ runId: null, workerId, status: 'queued' });
    expect((await project.actor(taskId)).facts).toMatchObject({ state: 'assigned', name: 'queued', workerId });
    const place = { branch: 'b', worktreePath: '/w', baseCommit: HEAD };
    await project.tell(workerId, { type: 'worker.prepared', ...place }, { type: 'worker.cleanup', gateId: null });
    await project.tell(workerId, { type: 'worker.cleaned', rescueRef: null });
    const other = await newTask();
    expect(await refusalOf(project.call('conductor_start_task_run', { taskId: other, workerId }))).toContain(
      'is archived and cannot be given work',
    );
  });

  test('a start that is queued and canceled never becomes an earlier run', async () => {
    const taskId = await newTask({ retry: { maxAttempts: 2, backoffMs: 0 } });
    const earlier = await project.runTo(taskId, 'failed');
    await project.clock.advance(1);
    project.world.waits = 'no worker';
    const asked = () => project.invoke('conductor_start_task_run', { taskId }, { requestId: 'once' });
    expect((await asked()).details).toMatchObject({ runId: null, status: 'queued', lastRunId: earlier });
    await project.call('conductor_cancel_task', { taskId });
    expect((await project.actor(taskId)).facts.name).toBeNull();
    const { content, details } = await asked();
    expect(details).toMatchObject({ runId: null, status: 'canceled', place: null });
    expect(content[0]!.text).toBe(`${taskId} was not started: it is canceled`);
  });

  test('running to its end waits for a worker too', async () => {
    const taskId = await newTask();
    const other = await newTask();
    project.world.waits = 'no worker';
    const ended = project.call('conductor_run_task', { taskId });
    const given = project.call('conductor_run_task', { taskId: other });
    await settle();
    project.world.waits = null;
    const runId = await project.runTo(taskId, 'succeeded');
    expect(await ended).toMatchObject({ runId, status: 'succeeded', run: { runId } });
    await project.call('conductor_cancel_task', { taskId: other });
    expect(await given).toMatchObject({ runId: null, status: 'canceled', run: null });
  });

  test('a task that runs is canceled through its run', async () => {
    const taskId = await newTask();
    const runId = await project.start(taskId);
    expect(await project.call('conductor_cancel_task', { taskId })).toMatchObject({ changed: true, state: 'running' });
    expect(await stateOf(runId)).toBe('completing');
  });

  test('a failed attempt with attempts left is delayed, and says until when', async () => {
    const taskId = await newTask({ retry: { maxAttempts: 2, backoffMs: 4_000 } });
    await project.runTo(taskId, 'failed');
    const { task } = await project.call('conductor_get_task', { taskId });
    expect(task.reason).toMatch(/^delayed until \d{4}-.*Z: its last run reported a failure$/);
    expect(await refusalOf(project.call('conductor_start_task_run', { taskId }))).toContain('is delayed until');
    await project.clock.advance(10_000);
    expect(await project.call('conductor_start_task_run', { taskId })).toMatchObject({ taskId });
  });

  test('assigning needs a worker that is free, and the one it is named for', async () => {
    const { workerId } = await project.call('conductor_create_worker', { name: 'bench' });
    const taskId = await newTask();
    expect(await refusalOf(project.call('conductor_assign_task', { taskId, workerId }))).toContain(
      'is creating and cannot take',
    );
    await project.tell(workerId, {
      type: 'worker.prepared',
      branch: 'conductor/bench',
      worktreePath: '/w',
      baseCommit: HEAD,
    });
    expect(await project.call('conductor_assign_task', { taskId, workerId })).toMatchObject({ state: 'assigned' });
    const named = await newTask({ workerName: 'other' });
    expect(await refusalOf(project.call('conductor_assign_task', { taskId: named, workerId }))).toContain(
      'uses the worker named other alone',
    );
    expect(await project.call('conductor_start_task_run', { taskId, workerId })).toMatchObject({ workerId });
    expect(await refusalOf(project.call('conductor_start_task_run', { taskId: named, workerId }))).toContain(
      'uses the worker named other alone',
    );
    // Between the scheduler's word and the commit somebody else took it.
    const late = await newTask();
    expect(await refusalOf(project.call('conductor_start_task_run', { taskId: late, workerId }))).toContain(
      `refused: ${workerId} did not take worker.reserve: it is busy. Wait for its run, or cancel that.`,
    );
    expect(await stateOf(named)).toBe('ready');
  });
});

describe('decisions', () => {
  test('accepting reviewed work uses its gate and keeps the reason', async () => {
    const taskId = await newTask();
    await project.runTo(taskId, 'partial');
    const { items } = await project.call('conductor_list_gates', { taskId, state: 'open' });
    expect(await refusalOf(project.call('conductor_accept_task', { taskId, reason: '' }))).toContain(
      'reason must not be empty',
    );
    expect(await project.call('conductor_accept_task', { taskId, reason: 'good enough' })).toEqual({
      taskId,
      state: 'completed',
      gateId: items[0]!.gateId,
    });
    expect((await project.call('conductor_get_task', { taskId })).task).toMatchObject({
      acceptedBy: 'human',
      reason: 'accepted by human: good enough',
    });
    expect((await project.call('conductor_get_gate', { gateId: items[0]!.gateId })).gate).toMatchObject({
      state: 'used',
      reason: 'good enough',
    });
    expect(await refusalOf(project.call('conductor_accept_task', { taskId, reason: 'again' }))).toContain(
      'Completed work stays as it is',
    );
  });

  test('a withdrawn review is accepted without a gate', async () => {
    const taskId = await newTask();
    await project.runTo(taskId, 'partial');
    const [gate] = (await project.call('conductor_list_gates', { taskId })).items;
    await project.call('conductor_resolve_gate', {
      gateId: gate!.gateId,
      status: 'canceled',
      resolutionReason: 'later',
    });
    expect(await stateOf(taskId)).toBe('needs_review');
    expect(await project.call('conductor_accept_task', { taskId, reason: 'fine' })).toMatchObject({
      state: 'completed',
      gateId: null,
    });
  });

  test('what a human alone may accept stays so, with and without its gate', async () => {
    const taskId = await newTask({ verify: ['false'] });
    await project.runTo(taskId, 'red');
    const [gate] = (await project.call('conductor_list_gates', { taskId })).items;
    expect(gate!.humanOnly).toBe(true);
    const parent = project.as('parent_agent');
    const accept = async () => project.call('conductor_accept_task', { taskId, reason: 'trust me' }, parent);
    expect(await refusalOf(accept())).toContain('not_permitted');
    const approval = { gateId: gate!.gateId, status: 'approved', resolutionReason: 'trust me' };
    expect(await refusalOf(project.call('conductor_resolve_gate', approval, parent))).toContain('not_permitted');
    await project.call('conductor_resolve_gate', { ...approval, status: 'canceled' }, parent);
    expect(await refusalOf(accept())).toContain('not_permitted');
    expect(await stateOf(taskId)).toBe('needs_review');
    expect(await project.call('conductor_accept_task', { taskId, reason: 'seen' })).toMatchObject({
      state: 'completed',
    });
  });

  test('retrying starts again from 0 attempts and withdraws the review', async () => {
    const taskId = await newTask();
    await project.runTo(taskId, 'partial');
    const [gate] = (await project.call('conductor_list_gates', { taskId })).items;
    await project.call('conductor_retry_task', { taskId });
    expect((await project.call('conductor_get_task', { taskId })).task).toMatchObject({
      state: 'ready',
      attempts: 0,
      runs: 1,
      gateId: null,
    });
    expect(await stateOf(gate!.gateId)).toBe('canceled');
    expect(await refusalOf(project.call('conductor_retry_task', { taskId }))).toContain(
      'is ready and cannot be retried',
    );
  });

  test('a question of a run gets its answer; the reason when there is no other', async () => {
    const runId = await project.start(await newTask());
    const gateId = project.context.newId('gate');
    const ask: EventBody = {
      type: 'child.gate',
      epoch: 1,
      seq: 1,
      gateId,
      gateType: 'needs_input',
      ask: 'Which?',
      wait: true,
    };
    await project.tell(runId, ask);
    expect((await project.call('conductor_get_run', { runId })).run).toMatchObject({ status: 'waiting_input', gateId });
    await project.call('conductor_resolve_gate', {
      gateId,
      status: 'approved',
      resolutionReason: 'decided',
      answer: 'the left one',
    });
    expect((await project.call('conductor_get_gate', { gateId })).gate).toMatchObject({
      answer: 'the left one',
      askedBy: 'child_run',
    });
    expect(await stateOf(runId)).toBe('running');
    expect(
      await refusalOf(project.call('conductor_resolve_gate', { gateId, status: 'rejected', resolutionReason: 'no' })),
    ).toContain('is approved and cannot be rejected');
  });

  test('a gate is found from everything it is about, and expires', async () => {
    const { objectiveId } = await project.call('conductor_create_objective', { title: 'Goal' });
    const taskId = await newTask({ objectiveId });
    await project.call('conductor_update_objective', { objectiveId, status: 'active' });
    const runId = await project.start(taskId);
    const expiresAt = new Date(project.clock.now() + 5_000).toISOString();
    const { gateId } = await project.call('conductor_create_gate', {
      type: 'ready_for_pr',
      requestedDecision: 'Push?',
      resourceRefs: { runId },
      expiresAt,
    });
    for (const filter of [{ runId }, { taskId }, { objectiveId }, { type: 'ready_for_pr' }]) {
      expect((await project.call('conductor_list_gates', filter)).items.map((gate) => gate.gateId)).toEqual([gateId]);
    }
    expect((await project.call('conductor_list_events', { gateId })).items).not.toHaveLength(0);
    await project.clock.advance(70_000);
    expect(await stateOf(gateId)).toBe('expired');
    const past = { type: 'needs_input', requestedDecision: 'x', expiresAt: '2001-01-01T00:00:00Z' };
    expect(await refusalOf(project.call('conductor_create_gate', past))).toContain('has passed already');
    const missing = { type: 'needs_input', requestedDecision: 'x', resourceRefs: { taskId: `task-${'0'.repeat(20)}` } };
    expect(await refusalOf(project.call('conductor_create_gate', missing))).toContain('not_found');
  });
});

describe('workers', () => {
  const prepared: EventBody = {
    type: 'worker.prepared',
    branch: 'conductor/bench',
    worktreePath: '/w',
    baseCommit: HEAD,
  };

  test('a name is taken once, and free again after cleanup', async () => {
    const { workerId } = await project.call('conductor_create_worker', { name: 'bench' });
    expect(await refusalOf(project.call('conductor_create_worker', { name: 'bench' }))).toContain('conflict');
    expect(await refusalOf(project.call('conductor_cleanup_worker', { name: 'bench' }))).toContain('is creating');
    await project.tell(workerId, prepared);
    expect(await refusalOf(project.call('conductor_recover_worker', { workerId }))).toContain(
      'is idle and cannot be recovered',
    );
    expect(await project.call('conductor_cleanup_worker', { name: 'bench' })).toMatchObject({
      changed: true,
      gateId: null,
    });
    await project.tell(workerId, { type: 'worker.cleaned', rescueRef: null });
    expect(await project.call('conductor_cleanup_worker', { workerId })).toMatchObject({
      changed: false,
      state: 'archived',
    });
    expect((await project.call('conductor_list_workers')).items).toEqual([]);
    expect((await project.call('conductor_list_workers', { includeArchived: true })).items).toHaveLength(1);
    await project.call('conductor_create_worker', { name: 'bench' });
    expect(await refusalOf(project.call('conductor_get_worker', { name: 'gone' }))).toContain(
      'there is no worker named gone',
    );
    expect(await refusalOf(project.call('conductor_get_worker', {}))).toContain('give either workerId or name');
  });

  test('an agent removes unfinished work only after a human approved exactly that; a human removes it', async () => {
    const taskId = await newTask();
    const runId = await project.runTo(taskId, 'failed');
    const { workerId } = (await project.call('conductor_get_run', { runId })).run;
    const agent = project.as('parent_agent');
    const asked = await project.call('conductor_cleanup_worker', { workerId }, agent);
    expect(asked).toMatchObject({ changed: false, state: 'idle' });
    expect(await project.call('conductor_cleanup_worker', { workerId }, agent)).toMatchObject({ gateId: asked.gateId });
    const approval = { gateId: asked.gateId!, status: 'approved', resolutionReason: 'not needed' };
    expect(await refusalOf(project.call('conductor_cleanup_worker', { workerId, gateId: asked.gateId! }))).toContain(
      'is open and cannot be used',
    );
    expect(await refusalOf(project.call('conductor_resolve_gate', approval, agent))).toContain('not_permitted');
    await project.call('conductor_resolve_gate', approval);
    expect(await project.call('conductor_cleanup_worker', { workerId }, agent)).toMatchObject({
      changed: true,
      gateId: asked.gateId,
    });
    expect(await stateOf(asked.gateId!)).toBe('used');
    const held = await newTask();
    const heldRun = await project.runTo(held, 'failed');
    const { workerId: holder } = (await project.call('conductor_get_run', { runId: heldRun })).run;
    expect(await project.call('conductor_cleanup_worker', { workerId: holder })).toMatchObject({
      changed: true,
      gateId: null,
    });
    const other = await project.call('conductor_create_gate', { type: 'needs_input', requestedDecision: 'x' });
    const { workerId: second } = await project.call('conductor_create_worker', { name: 'second' });
    await project.tell(second, prepared);
    expect(
      await refusalOf(project.call('conductor_cleanup_worker', { workerId: second, gateId: other.gateId })),
    ).toContain('is not about cleaning');
  });

  test('what a worker left is restored by its id, archived or not', async () => {
    const { workerId } = await project.call('conductor_create_worker', { name: 'left' });
    expect(await project.call('conductor_restore_worker', { workerId })).toEqual({
      workerId,
      worktreePath: `/repo.worktrees/${workerId}`,
      branch: 'conductor/restored',
      files: 2,
    });
    const none = project.call('conductor_restore_worker', { workerId, ref: 'refs/none' });
    expect(await refusalOf(none)).toContain('has no rescue');
    expect(await refusalOf(project.call('conductor_restore_worker', { workerId }, project.as('child_run')))).toContain(
      'not_permitted',
    );
  });

  test('a broken worker is recovered', async () => {
    const { workerId } = await project.call('conductor_create_worker', { name: 'bench' });
    await project.tell(workerId, prepared, { type: 'worker.broke', runId: null, message: 'gone' });
    expect((await project.call('conductor_get_worker', { name: 'bench' })).worker).toMatchObject({
      state: 'broken',
      reason: 'gone',
    });
    expect(await project.call('conductor_recover_worker', { name: 'bench' })).toEqual({
      workerId,
      state: 'recovering',
    });
  });
});
