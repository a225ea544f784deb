/**
 * Goal: a program inside a run speaks for its own run only, and is told what became of its words.
 * Method: the four operations against a channel that answers as a runner would.
 */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChildChannel } from '../../src/operations/operation-context.ts';
import type { ChildAnswer, ReportBody } from '../../src/supervisor/runners/protocol.ts';
import { openProject, refusalOf, type Project } from './operation-fixture.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(async () => {
  await project.close();
});

const own = { runId: `run-${'1'.repeat(20)}`, taskId: `task-${'1'.repeat(20)}` };

const channel = (answer: ChildAnswer) => {
  const reports: { body: ReportBody; options: unknown }[] = [];
  const child: ChildChannel = {
    ...own,
    report: async (body, options) => {
      reports.push({ body, options });
      return answer;
    },
    stage: async ({ type, path }) => ({ type, name: path.replaceAll('/', '_'), bytes: 3 }),
  };
  return { reports, over: { principal: 'child_run' as const, child } };
};

test('a report goes out whole, with its artifact and its key', async () => {
  const { reports, over } = channel({ applied: true });
  const artifact = { type: 'test_result', path: 'out/junit.xml' };
  await project.call('conductor_child_progress', { progress: 'half', idempotencyKey: 'k', artifact }, over);
  await project.call('conductor_child_complete', { status: 'succeeded', completionSummary: 'all of it', ...own }, over);
  await project.call('conductor_child_create_followup_task', { title: 'More', command: ['make', 'more'] }, over);
  await project.call(
    'conductor_child_create_gate',
    { type: 'needs_input', requestedDecision: 'Which?', wait: true, timeoutMs: 9 },
    over,
  );
  await project.call('conductor_child_create_gate', { type: 'needs_review', requestedDecision: 'Look' }, over);
  expect(reports).toEqual([
    {
      body: {
        kind: 'child.progress',
        text: 'half',
        key: 'k',
        artifacts: [{ type: 'test_result', name: 'out_junit.xml', bytes: 3 }],
      },
      options: undefined,
    },
    {
      body: { kind: 'child.complete', status: 'succeeded', summary: 'all of it', key: null, artifacts: [] },
      options: undefined,
    },
    { body: { kind: 'child.followup', title: 'More', command: ['make', 'more'], key: null }, options: undefined },
    { body: { kind: 'child.gate', gateType: 'needs_input', ask: 'Which?', wait: true }, options: { waitMs: 9 } },
    { body: { kind: 'child.gate', gateType: 'needs_review', ask: 'Look', wait: false }, options: {} },
  ]);
});

test.each<[ChildAnswer, string]>([
  [{ applied: true }, 'progress is recorded'],
  [{ applied: 'stored' }, 'progress is stored until the supervisor is back'],
  [{ applied: false, reason: 'run_final' }, 'progress was refused: run_final'],
])('it is told what became of it: %j', async (answer, text) => {
  const { over } = channel(answer);
  const { content, details } = await project.invoke('conductor_child_progress', { progress: 'x' }, over);
  expect(content[0]!.text).toBe(text);
  expect(details).toMatchObject({ applied: answer.applied, reason: answer.reason ?? null });
});

test('the answer to a question comes back', async () => {
  const gate = { gateId: 'gate-1', state: 'approved', decision: 'approved', answer: 'the left one' };
  const { over } = channel({ applied: true, gate });
  const params = { type: 'needs_input', requestedDecision: 'Which?', wait: true };
  const { content, details } = await project.invoke('conductor_child_create_gate', params, over);
  expect(content[0]!.text).toBe('the question is recorded\napproved: the left one');
  expect(details).toMatchObject({ gate });
});

test('no run speaks for another, and nobody outside of a run speaks at all', async () => {
  const { reports, over } = channel({ applied: true });
  const other = { progress: 'x', runId: `run-${'2'.repeat(20)}` };
  expect(await refusalOf(project.call('conductor_child_progress', other, over))).toContain(
    `this run may speak for ${own.runId} only`,
  );
  const outside = project.call('conductor_child_progress', { progress: 'x' }, { principal: 'child_run' });
  expect(await refusalOf(outside)).toContain('invalid_state: this is for programs inside a run');
  expect(reports).toEqual([]);
});
