/**
 * Goal: what lives is told as it is, and the patch of a run comes from where its work is: the worktree, then the evidence.
 * Method: a project in memory whose tree, worktrees and artifacts are set by the test.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readOnlyContext } from '../../src/operations/operation-context.ts';
import type { Services } from '../../src/operations/read-models/supervision-view.ts';
import { PATCH_BYTES_MAX } from '../../src/operations/service-operations.ts';
import { sha256 } from '../../src/supervisor/specs/canonical-json.ts';
import { openProject, refusalOf, type Project } from './operation-fixture.ts';

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

const read = (runId: string) => project.call('conductor_read_diff', { runId });
const PATCH = 'diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-one\n+two\n';
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
    expect(await read(runId)).toMatchObject({ source: 'none', patch: '', truncated: false });
    await keep(runId, ` a | +1 -1\n 1 file changed, 1 insertions, 1 deletions\n\n${PATCH}`, { truncated: true });
    expect(await read(runId)).toMatchObject({ source: 'artifact', patch: PATCH, truncated: true });
  });

  test('which was not kept: refused, with the reason', async () => {
    const runId = await project.runTo(await newTask(), 'succeeded');
    await keep(runId, 'Not copied: x.\n', { metadata: { withheld: 'x' } });
    expect(await refusalOf(read(runId))).toBe('refused: the patch was not kept: x');
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
