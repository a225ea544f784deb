/**
 * Goal: what lives is told as it is, and the patch of a run comes from where its work is: the worktree, then the evidence.
 * Method: a project in memory whose tree, worktrees and artifacts are set by the test.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readOnlyContext } from '../../src/operations/operation-context.ts';
import type { Services } from '../../src/operations/read-models/supervision-view.ts';
import { PATCH_BYTES_MAX } from '../../src/operations/service-operations.ts';
import { sha256 } from '../../src/supervisor/specs/canonical-json.ts';
import type { Service } from '../../src/supervisor/tree/tree-child.ts';
import { createSupervisionTree, TREE_POLICY } from '../../src/supervisor/tree/supervision-tree.ts';
import { createVirtualClock } from '../supervisor/kernel/virtual-clock.ts';
import { HEAD, openProject, refusalOf, type Project } from './operation-fixture.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(async () => {
  await project.close();
});

const SERVICES: Services = {
  supervisor: { pid: 7, version: '1.2.3', startedAt: 5, memoryBytes: 80 * 2 ** 20, cpuPercent: 1.5 },
  budget: {
    strategy: 'rest_for_one',
    intensity: 5,
    periodMs: 60_000,
    restarts: 2,
    backoff: { minMs: 50, maxMs: 5_000, resetAfterMs: 60_000 },
  },
  services: [{ id: 'rpc', state: 'backoff', restart: 'permanent', starts: 3, failures: 2, upAt: null, notBefore: 9 }],
  runners: [
    {
      runId: `run-${'1'.repeat(20)}`,
      taskId: null,
      epoch: 2,
      pid: 99,
      phase: 'agent',
      connected: false,
      memoryBytes: null,
      cpuPercent: null,
    },
  ],
  reports: [{ at: 8, service: 'rpc', what: 'failed', reason: 'the socket went' }],
};

describe('services', () => {
  test('as the process tells them, and in words', async () => {
    project.world.services = SERVICES;
    const { details, content } = await project.invoke('conductor_get_services', {});
    expect(details).toEqual(SERVICES);
    expect(content[0]!.text.split('\n')).toEqual([
      'supervisor 7 version 1.2.3 80 MiB 1.5 % CPU',
      '2 of 5 restarts within 60 s',
      'rpc backoff, started 3 times, permanent',
      `run-${'1'.repeat(20)} epoch 2 pid 99 (not connected)`,
      '1970-01-01T00:00:00.008Z rpc failed: the socket went',
    ]);
  });

  test('without a supervisor there are none', async () => {
    const { details, content } = await project.invoke(
      'conductor_get_services',
      {},
      readOnlyContext({ ...project.context }),
    );
    expect(details).toMatchObject({ supervisor: null, budget: null, services: [] });
    expect(content[0]!.text).toBe('no supervisor is running: conductor start');
  });
});

/** A tree of two services of which the second failed once, and was started again. */
const begin = async (): Promise<void> => {
  const fails: ((cause: unknown) => void)[] = [];
  const service = (id: string): Service => ({
    id,
    restart: 'permanent',
    shutdownMs: 0,
    start: async (failed) => {
      fails.push(failed);
      return { stop: async () => undefined };
    },
  });
  const tree = createSupervisionTree({
    services: [service('store'), service('hosts')],
    policy: { ...TREE_POLICY, strategy: 'one_for_one' },
    clock: createVirtualClock(),
    report: () => undefined,
  });
  await tree.start();
  fails[1]!(new Error('the port is taken'));
  project.world.treeSteps = tree.view().steps();
};

const children = ({ children: all }: Readonly<Record<string, unknown>>) =>
  (all as { state: string }[]).map(({ state }) => state);

describe("the supervisor's machine", () => {
  test('after its newest step, and after an earlier one', async () => {
    await begin();
    const of = async (question: object) => (await project.call('conductor_get_supervisor', question)).moment!;
    const now = await of({});
    expect(now).toMatchObject({ machine: 'supervisor', seq: 4, lastSeq: 4, explanation: null });
    expect(now.active).toEqual(['supervisor', 'supervisor.live', 'supervisor.live.running']);
    expect(now.enabled.some((id) => id.includes('supervisor.stop'))).toBe(true);
    expect(now.last).toMatchObject({ seq: 4, from: 'live.running', event: { reason: 'the port is taken' } });
    expect(now.steps.map(({ event, to }) => [event.type, to])).toEqual([
      ['supervisor.start', 'live.starting'],
      ['child.started', 'live.starting'],
      ['child.started', 'live.running'],
      ['child.exited', 'live.running'],
    ]);
    expect(children(now.snapshot.context)).toEqual(['up', 'backoff']);
    expect(children(now.previous!)).toEqual(['up', 'up']);
    const first = await of({ step: 1 });
    expect(first).toMatchObject({ seq: 1, lastSeq: 4, last: { from: 'idle' } });
    expect(first.active.at(-1)).toBe('supervisor.live.starting');
    expect((await of({ step: 999 })).seq).toBe(4);
    expect((await of({ at: project.context.clock.now() })).seq).toBe(4);
  });

  test('why it would take an event, or not', async () => {
    await begin();
    const why = async (event: string) =>
      (await project.call('conductor_get_supervisor', { event })).moment!.explanation!;
    const explanation = await why('supervisor.start');
    expect(explanation).toMatchObject({ enabled: false });
    expect(explanation.text).toContain('it is taken in idle');
    expect(await why('supervisor.stop')).toMatchObject({ enabled: true });
    expect(await refusalOf(project.call('conductor_get_supervisor', { event: 'supervisor.stp' }))).toBe(
      'invalid_params: a supervisor knows no event supervisor.stp: did you mean supervisor.stop?',
    );
  });

  test('of before its first step, and without a supervisor, nothing is known', async () => {
    await begin();
    const { details, content } = await project.invoke('conductor_get_supervisor', { at: 0 });
    expect(details).toMatchObject({ moment: null, first: { step: 1 } });
    expect(content[0]!.text).toMatch(
      /^the supervisor that runs remembers nothing of then: step 1 of \S+ is its first$/,
    );
    project.world.treeSteps = null;
    expect(await refusalOf(project.call('conductor_get_supervisor', {}))).toMatch(/^supervisor_unreachable: /);
  });
});

const read = (runId: string) => project.call('conductor_read_diff', { runId });
const PATCH = 'diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n';
const COMMIT = 'c'.repeat(40);
const keep = async (runId: string, text: string, { truncated = false, metadata = {} } = {}): Promise<void> => {
  const data = new TextEncoder().encode(text);
  project.world.files.set(sha256(data), data);
  const row = {
    artifactId: project.context.newId('artifact'),
    type: 'changed_files',
    name: 'changes.patch',
    bytes: data.byteLength,
    sha256: sha256(data),
    truncated,
    producer: 'system' as const,
    taskId: null,
    runId,
    objectiveId: null,
    workerId: null,
    metadata,
    createdAt: project.clock.now(),
  };
  await project.kernel.post({ messages: [], principal: 'system', artifacts: [row] });
};
const newTask = async () => (await project.call('conductor_create_task', { title: 'x', run: 'x' })).taskId;

describe('the patch of a run', () => {
  test('while it lives: what stands in its worktree', async () => {
    const runId = await project.start(await newTask());
    project.world.diffs.set(runId, { patch: PATCH, truncated: true });
    expect(await read(runId)).toMatchObject({ source: 'worktree', patch: PATCH, truncated: true, commit: null });
  });

  test('before it has a worktree: nothing, and nobody looks for one', async () => {
    const runId = (await project.call('conductor_start_task_run', { taskId: await newTask() })).runId!;
    project.world.diffs.set(runId, { patch: PATCH, truncated: false });
    expect(await read(runId)).toMatchObject({ source: 'none', patch: '', baseCommit: null });
  });

  test('after its end: what was kept, without the summary before it', async () => {
    const runId = await project.runTo(await newTask(), 'succeeded');
    await keep(runId, ` a | +1 -1\n 1 file changed, 1 insertions, 1 deletions\n\n${PATCH}`, { truncated: true });
    expect(await read(runId)).toMatchObject({ source: 'artifact', patch: PATCH, truncated: true });
  });

  test('which was not kept: refused, with the reason', async () => {
    const runId = await project.runTo(await newTask(), 'succeeded');
    await keep(runId, 'Not copied: x.\n', { metadata: { withheld: 'x' } });
    expect(await refusalOf(read(runId))).toBe(
      `refused: the patch was not kept: x; git diff ${HEAD} ${COMMIT} shows it`,
    );
  });

  test('after an end without a change: nothing', async () => {
    const runId = await project.runTo(await newTask(), 'succeeded', 0);
    const { content, details } = await project.invoke('conductor_read_diff', { runId });
    expect(details).toMatchObject({ source: 'none', patch: '', truncated: false, commit: COMMIT });
    expect(content[0]!.text).toBe('nothing is changed');
  });

  test.each<[string, (runId: string) => Promise<void>]>([
    ['no copy was made', async () => undefined],
    [
      'its copy is gone',
      async (runId) => {
        await keep(runId, PATCH);
        project.world.files.clear();
      },
    ],
    [
      'its summary alone is larger than what is read',
      async (runId) => keep(runId, `${' a | +1 -1\n'.repeat(80_000)}\n${PATCH}`),
    ],
  ])(
    'of changes that cannot be shown: refused with the way to see them, never as if nothing was changed: %s',
    async (_why, lose) => {
      const runId = await project.runTo(await newTask(), 'succeeded');
      await lose(runId);
      expect(await refusalOf(read(runId))).toBe(
        `refused: the patch was not kept: its copy is not there, or too large to be shown; git diff ${HEAD} ${COMMIT} shows it`,
      );
    },
  );

  test('of a run that ended before its work was sealed: nothing, and it says that there is no commit', async () => {
    const runId = await project.start(await newTask());
    await project.call('conductor_cancel_task_run', { runId });
    await project.tell(runId, { type: 'runner.ended', epoch: 1, leftover: 0, exitCode: 0, signal: null, rand: 0.5 });
    const { content, details } = await project.invoke('conductor_read_diff', { runId });
    expect(details).toMatchObject({ source: 'none', patch: '', commit: null });
    expect(content[0]!.text).toContain('no commit was made of its work');
  });

  test('is cut at the end of a line', async () => {
    const runId = await project.runTo(await newTask(), 'succeeded');
    await keep(runId, `summary\n\n${PATCH}${'+a line of ä text\n'.repeat(60_000)}`);
    const { patch, truncated } = await read(runId);
    expect(truncated).toBe(true);
    expect(Buffer.byteLength(patch)).toBeLessThanOrEqual(PATCH_BYTES_MAX);
    expect(Buffer.byteLength(patch)).toBeGreaterThan(PATCH_BYTES_MAX - 100);
    expect(patch).toMatch(/^diff --git .*\n\+a line of ä text\n$/s);
  });

  test('of a living run without a supervisor it cannot be read; of none at all there is none', async () => {
    const runId = await project.start(await newTask());
    const alone = { ...readOnlyContext({ ...project.context }), principal: 'human' as const };
    expect(await refusalOf(project.invoke('conductor_read_diff', { runId }, alone))).toContain(
      'supervisor_unreachable',
    );
    expect(await refusalOf(read(`run-${'0'.repeat(20)}`))).toContain('not_found');
  });
});
