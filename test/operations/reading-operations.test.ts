/**
 * Goal: lists, events, artifacts, status and show say what is stored, page by page, also without a supervisor, and change nothing.
 * Method: a project with known contents, read through the operations.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ArtifactRow } from '../../src/persistence/store.ts';
import { catalogue } from '../../src/operations/catalogue.ts';
import { invokeOperation } from '../../src/operations/invoke-operation.ts';
import { readOnlyContext } from '../../src/operations/operation-context.ts';
import { statusOf } from '../../src/operations/read-models/project-status.ts';
import { sha256 } from '../../src/supervisor/specs/canonical-json.ts';
import { openProject, PLAN, refusalOf, type Project } from './operation-fixture.ts';

let project: Project;
beforeEach(async () => {
  project = await openProject();
});
afterEach(async () => {
  await project.close();
});

const keepArtifact = async (data: Uint8Array, over: Partial<ArtifactRow> = {}): Promise<ArtifactRow> => {
  const row: ArtifactRow = {
    artifactId: project.context.newId('artifact'),
    type: 'log',
    name: 'output.log',
    bytes: data.byteLength,
    sha256: sha256(data),
    truncated: false,
    producer: 'system',
    taskId: null,
    runId: null,
    objectiveId: null,
    workerId: null,
    metadata: {},
    createdAt: project.clock.now(),
    ...over,
  };
  project.world.files.set(row.sha256, data);
  await project.kernel.post({ messages: [], principal: 'system', artifacts: [row] });
  return row;
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('lists', () => {
  test('pages follow one another without gaps or repeats, newest first', async () => {
    for (let index = 0; index < 7; index += 1)
      await project.call('conductor_create_task', { title: `T${String(index)}`, run: 'x' });
    const titles: string[] = [];
    let after: string | null = null;
    do {
      const page: { items: { title: string }[]; nextCursor: string | null; total: number | null } = await project.call(
        'conductor_list_tasks',
        { limit: 3, ...(after === null ? {} : { after }) },
      );
      titles.push(...page.items.map(({ title }) => title));
      after = page.nextCursor;
    } while (after !== null);
    expect(titles).toEqual(['T6', 'T5', 'T4', 'T3', 'T2', 'T1', 'T0']);
  });

  test('a cursor is good for its own list only', async () => {
    for (let index = 0; index < 2; index += 1) await project.call('conductor_create_task', { title: 'x', run: 'x' });
    const { nextCursor } = await project.call('conductor_list_tasks', { limit: 1 });
    expect(await refusalOf(project.call('conductor_list_runs', { after: nextCursor! }))).toContain(
      'not a cursor of this list',
    );
    expect(await refusalOf(project.call('conductor_list_tasks', { after: 'x' }))).toContain('invalid_params');
  });

  test('gates by type are found behind many others', async () => {
    const wanted = await project.call('conductor_create_gate', { type: 'needs_review', requestedDecision: 'x' });
    for (let index = 0; index < 120; index += 1)
      await project.call('conductor_create_gate', { type: 'needs_input', requestedDecision: 'x' });
    expect(
      (await project.call('conductor_list_gates', { type: 'needs_review' })).items.map(({ gateId }) => gateId),
    ).toEqual([wanted.gateId]);
    const first = await project.call('conductor_list_gates', { type: 'needs_input', limit: 100 });
    const second = await project.call('conductor_list_gates', {
      type: 'needs_input',
      limit: 100,
      after: first.nextCursor!,
    });
    expect(new Set([...first.items, ...second.items].map(({ gateId }) => gateId)).size).toBe(120);
  });

  test('what the scheduler knows is a reason', async () => {
    const { tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    project.world.reasons.set(tasks['build']!, 'no slot is free (4 of 4)');
    expect((await project.call('conductor_get_task', { taskId: tasks['build']! })).task.reason).toBe(
      'no slot is free (4 of 4)',
    );
  });
});

describe('events', () => {
  test('oldest first after a cursor, and the next page is what happens next', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const first = await project.call('conductor_list_events', { objectiveId });
    expect(first.items.map(({ seq }) => seq)).toEqual(first.items.map(({ seq }) => seq).toSorted((a, b) => a - b));
    expect(await project.call('conductor_list_events', { objectiveId, after: first.nextCursor })).toMatchObject({
      items: [],
      nextCursor: first.nextCursor,
    });
    await project.call('conductor_cancel_task', { taskId: tasks['build']! });
    const next = await project.call('conductor_list_events', { after: first.nextCursor });
    expect(next.items[0]).toMatchObject({ actor: tasks['build'], to: 'canceled', principal: 'human' });
    const all: number[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await project.call('conductor_list_events', { limit: 2, ...(after === undefined ? {} : { after }) });
      if (page.items.length === 0) break;
      all.push(...page.items.map(({ seq }) => seq));
      after = page.nextCursor;
    }
    expect(all).toEqual(Array.from({ length: await project.store.lastSeq() }, (_, index) => index + 1));
    const tail = await project.call('conductor_list_events', { tail: true, limit: 2 });
    expect(tail.items.map(({ seq }) => seq)).toEqual(all.slice(-2));
    const until = all.at(-2)!;
    const before = await project.call('conductor_list_events', { tail: true, until, limit: 2 });
    expect(before.items.map(({ seq }) => seq)).toEqual(all.slice(-3, -1));
  });

  test('the journal of one machine is what that machine did, whatever kind it is of', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    for (const id of [objectiveId, tasks['build']!]) {
      const { items } = await project.call('conductor_list_events', { id });
      expect(items.length).toBeGreaterThan(0);
      expect(new Set(items.map(({ actor }) => actor))).toEqual(new Set([id]));
    }
    const both = project.call('conductor_list_events', { id: objectiveId, gateId: `gate-${'0'.repeat(20)}` });
    expect(await refusalOf(both)).toContain('invalid_params');
  });

  test('a page that a filter empties still moves on', async () => {
    const { tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const page = await project.call('conductor_list_events', { type: 'task.retry' });
    expect(page.items).toEqual([]);
    const again = await project.call('conductor_list_events', { after: page.nextCursor });
    expect(again.items).toEqual([]);
    await project.call('conductor_cancel_task', { taskId: tasks['test']! });
    expect((await project.call('conductor_list_events', { after: page.nextCursor })).items).not.toEqual([]);
  });
});

describe('artifacts', () => {
  test('a text is read to a whole character; the rest is described', async () => {
    const { artifactId } = await keepArtifact(bytes('ab€'));
    expect(await project.call('conductor_read_artifact', { artifactId })).toMatchObject({
      content: 'ab€',
      truncated: false,
      diagnostic: null,
    });
    expect(await project.call('conductor_read_artifact', { artifactId, maxBytes: 3 })).toMatchObject({
      content: 'ab',
      truncated: true,
      diagnostic: '(cut after 3 of 5 bytes)',
    });
    const binary = await keepArtifact(new Uint8Array([65, 0, 66]));
    expect(await project.call('conductor_read_artifact', { artifactId: binary.artifactId })).toMatchObject({
      content: null,
      diagnostic: 'it is not a text (3 bytes)',
      contentSource: 'none',
    });
    const gone = await keepArtifact(bytes('gone'), { truncated: true });
    expect((await project.call('conductor_read_artifact', { artifactId: gone.artifactId })).diagnostic).toBe(
      '(the stored copy itself is cut)',
    );
    project.world.files.clear();
    expect((await project.call('conductor_read_artifact', { artifactId: gone.artifactId })).diagnostic).toContain(
      'is gone',
    );
    expect(
      await refusalOf(project.call('conductor_read_artifact', { artifactId: `artifact-${'0'.repeat(20)}` })),
    ).toContain('not_found');
  });

  test('they are listed by type, newest first', async () => {
    const first = await keepArtifact(bytes('1'));
    await keepArtifact(bytes('2'), { type: 'note' });
    const third = await keepArtifact(bytes('3'));
    expect(
      (await project.call('conductor_list_artifacts', { type: 'log' })).items.map(({ artifactId }) => artifactId),
    ).toEqual([third.artifactId, first.artifactId]);
  });
});

describe('status and show', () => {
  test('the status has exactly the shape that is promised', async () => {
    await project.call('conductor_run_plan', { plan: PLAN });
    expect(await project.call('conductor_get_project')).toEqual({
      supervisor: { pid: 1, startedAt: 0, version: '1.0.0', socket: '/run/socket', inspector: null },
      project: { key: 'project', repoRoot: '/repo', home: '/home/project' },
      counts: { tasks: { ready: 2 }, runs: {}, gates: {}, workers: {}, objectives: { active: 1 } },
    });
    const { content } = await project.invoke('conductor_get_project', {});
    expect(content[0]!.text.split('\n').at(-1)).toBe('nothing to do');
    expect((await statusOf(null, project.context)).counts).toEqual({
      tasks: {},
      runs: {},
      gates: {},
      workers: {},
      objectives: {},
    });
  });

  test('everything is shown with what belongs to it, by enough of its id', async () => {
    const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
    const runId = await project.runTo(tasks['build']!, 'partial');
    const { artifactId } = await keepArtifact(bytes('x'), { runId, taskId: tasks['build']!, objectiveId });
    const shownTask = await project.call('conductor_show', { id: tasks['build']! });
    expect(shownTask).toMatchObject({
      kind: 'task',
      runs: [{ runId }],
      gates: [{ type: 'needs_review' }],
      artifacts: [{ artifactId }],
    });
    expect(await project.call('conductor_show', { id: objectiveId.slice(0, -4) })).toMatchObject({
      kind: 'objective',
      tasks: [{}, {}],
    });
    expect(await project.call('conductor_show', { id: runId.slice(0, -2) })).toMatchObject({
      kind: 'run',
      item: { status: 'partial' },
    });
    expect(await project.call('conductor_show', { id: artifactId })).toMatchObject({ kind: 'artifact' });
    const { workerId } = (await project.call('conductor_get_run', { runId })).run;
    expect(await project.call('conductor_show', { id: workerId })).toMatchObject({ kind: 'worker', runs: [{ runId }] });
    expect(await refusalOf(project.call('conductor_show', { id: 'task-' }))).toContain('is the beginning of 2 ids');
    // A run and the gate of its review share their suffix.
    expect(await refusalOf(project.call('conductor_show', { id: runId.slice('run-'.length) }))).toContain(
      `(${runId}, gate-`,
    );
    expect(await refusalOf(project.call('conductor_show', { id: 'zzz' }))).toContain('no id begins with zzz');
    expect(await refusalOf(project.call('conductor_show', { id: 'A%' }))).toContain('be an id or its beginning');
  });

  test('the configuration says where each value is from, and trust is given to what was seen', async () => {
    project.world.repositoryFile = 'idleMs: 1000\nverify: [x]\n';
    const seen = await project.call('conductor_get_configuration');
    expect(seen).toMatchObject({
      values: { idleMs: 1_000, verify: [] },
      from: { idleMs: 'repository' },
      repository: { trusted: false },
    });
    expect(await refusalOf(project.call('conductor_trust_configuration', { hash: '0'.repeat(64) }))).toContain(
      'conflict',
    );
    await project.call('conductor_trust_configuration', { hash: seen.repository!.hash });
    expect(await project.call('conductor_get_configuration')).toMatchObject({
      values: { verify: ['x'] },
      notInForce: [],
    });
    project.world.repositoryFile = null;
    expect(await refusalOf(project.call('conductor_trust_configuration', { hash: '0'.repeat(64) }))).toContain(
      'nothing to trust',
    );
  });
});

test('without a supervisor everything is read through the same operations, and nothing is written', async () => {
  const { objectiveId, tasks } = await project.call('conductor_run_plan', { plan: PLAN });
  const context = readOnlyContext({ ...project.context });
  const read = async (name: string, params: object) =>
    (await invokeOperation(catalogue, { name, params }, context)).details;
  const before = await project.state();
  expect(await read('conductor_get_project', {})).toMatchObject({ supervisor: null, counts: { tasks: { ready: 2 } } });
  expect(await read('conductor_show', { id: objectiveId })).toMatchObject({ kind: 'objective' });
  expect(await read('conductor_get_task', { taskId: tasks['build']! })).toMatchObject({
    task: { reason: 'no supervisor is running: conductor start' },
  });
  expect(await read('conductor_list_events', {})).toMatchObject({ total: null });
  expect(await refusalOf(read('conductor_cancel_objective', { objectiveId }))).toContain('supervisor_unreachable');
  expect(await refusalOf(read('conductor_get_configuration', {}))).toContain('supervisor_unreachable');
  expect(await project.state()).toEqual(before);
});
