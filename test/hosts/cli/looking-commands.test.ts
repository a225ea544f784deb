/**
 * Goal: what is listed and shown has the shape of the contract as JSON, and fits 80 columns for people.
 * Method: pages from a table, printed to a terminal of 80 columns, to a pipe, with NO_COLOR and with --json.
 */
import { describe, expect, test } from 'vitest';
import { textWidth } from '../../../src/hosts/cli/output/text-width.ts';
import { conductor, fakeIo, NOW, type FakeProject } from './surroundings.ts';
import { idOf, OBJECTIVE } from './journal.ts';

const taskId = idOf('task', 'a');
const task = {
  taskId,
  title: 'Build the whole thing with a title that is rather long, longer than any column',
  planId: 'build',
  state: 'needs_review',
  reason: 'ended with exit code 0 without saying that it is complete \u001b[2J',
  said: null,
  objectiveId: OBJECTIVE,
  runId: idOf('run', 'a'),
  progress: null,
};
const gate = {
  gateId: idOf('gate', 'a'),
  state: 'open',
  type: 'needs_input',
  ask: 'Which of the two ways shall I take? The first is quick, the second is right, and both are possible.',
  taskId,
};
const run = {
  runId: idOf('run', 'a'),
  taskId,
  status: 'running',
  startedAt: NOW - 83_000,
  endedAt: null,
  reason: null,
  said: null,
  progress: '1 of 2',
};
const page = (items: readonly unknown[]) => ({ items, nextCursor: 'bmV4dA', total: 3 });
const status = {
  supervisor: {
    pid: 4242,
    startedAt: NOW - 3_600_000,
    version: '1.2.3',
    socket: '/run/conductor/p.1.sock',
    inspector: null,
  },
  project: { key: 'p-1', repoRoot: `/srv/${'deep/'.repeat(20)}p`, home: '/home/p-1' },
  counts: {
    objectives: { active: 1, completed: 2 },
    tasks: { running: 1, needs_review: 1, completed: 1_204, failed: 3, blocked: 2, canceled: 7, ready: 11, draft: 1 },
    runs: { running: 1, succeeded: 1_204 },
    gates: { open: 1 },
    workers: {},
  },
};

const project: FakeProject = {
  answers: {
    conductor_get_project: status,
    conductor_list_objectives: page([
      {
        objectiveId: OBJECTIVE,
        state: 'active',
        title: 'Ship it',
        tasks: { completed: 1, running: 2, ready: 0 },
        openGates: 1,
      },
    ]),
    conductor_list_tasks: page([
      task,
      { ...task, taskId: idOf('task', 'b'), state: 'running', reason: null, progress: 'half' },
    ]),
    conductor_list_runs: page([run]),
    conductor_list_workers: page([
      {
        workerId: idOf('worker', 'a'),
        state: 'broken',
        name: 'builder',
        branch: 'conductor/builder',
        worktreePath: '/w/builder',
      },
    ]),
    conductor_list_gates: page([gate]),
    conductor_list_artifacts: page([
      {
        artifactId: 'artifact-1',
        type: 'log',
        bytes: 1_536,
        truncated: true,
        createdAt: NOW - 60_000,
        name: 'output.log',
      },
    ]),
    conductor_list_events: page([
      {
        seq: 7,
        at: NOW,
        actor: taskId,
        kind: 'transition',
        from: 'ready',
        to: 'running',
        reason: null,
        event: { type: 'task.start' },
      },
    ]),
    conductor_show: { kind: 'task', item: task, runs: [run], gates: [gate], artifacts: [], events: [] },
  },
};

const lists = ['objectives', 'tasks', 'runs', 'workers', 'gates', 'artifacts', 'events'];

describe.each([...lists, 'status'])('%s', (command) => {
  test('on a terminal of 80 columns, without colours', async () => {
    const io = fakeIo({ terminal: true, env: { NO_COLOR: '1', TZ: 'UTC' } });
    const { exitCode, out } = await conductor([command], project, io);
    expect(exitCode).toBe(0);
    expect(out).not.toContain('\u001b');
    expect(out.split('\n').filter((line) => textWidth(line) > 80)).toEqual([]);
    await expect(out.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/g, 'DATE')).toMatchFileSnapshot(
      `looking/${command}.txt`,
    );
  });

  test('reads, and starts nothing', async () => {
    expect((await conductor([command], project)).opened).toEqual(['read']);
  });
});

test.each(lists)('%s --json is the page as it is', async (command) => {
  const { out, err } = await conductor([command, '--json'], project);
  expect(err).toBe('');
  expect(JSON.parse(out)).toEqual(project.answers?.[`conductor_list_${command}`]);
});

test('status --json is the status as it is, and asks for nothing else', async () => {
  const { out, calls } = await conductor(['status', '--json'], project);
  expect(JSON.parse(out)).toEqual(status);
  expect(calls).toHaveLength(1);
});

test('a pipe gets whole lines without colours, a terminal colours', async () => {
  const piped = await conductor(['gates'], project);
  expect(piped.out).toContain(gate.ask);
  expect(piped.out).not.toContain('\u001b');
  const shown = await conductor(['gates'], project, fakeIo({ terminal: true }));
  expect(shown.out).toContain('\u001b[33m');
});

test('where the locale is not UTF-8 symbols are ASCII', async () => {
  const { out } = await conductor(['runs'], project, fakeIo({ env: { LANG: 'C' } }));
  expect(out).toContain('> running');
});

describe('filters', () => {
  test.each<[readonly string[], unknown]>([
    [['tasks', '--state', 'failed', '--limit', '3', '--after', 'x'], { state: 'failed', limit: 3, after: 'x' }],
    [['runs', '--state', 'failed'], { status: 'failed' }],
    [['tasks', '--objective', OBJECTIVE], { objectiveId: OBJECTIVE }],
    [['gates', '--type', 'needs_input', '--task', taskId], { type: 'needs_input', taskId }],
    [['events', '--type', 'run.cancel', '--after', 'x'], { type: 'run.cancel', after: 'x' }],
    [['events'], { tail: true }],
  ])('%j', async (argv, params) => {
    expect((await conductor(argv, project)).calls.at(-1)?.params).toEqual(params);
  });

  test('the beginning of an id becomes the whole one', async () => {
    const { calls } = await conductor(['runs', '--task', 'task-0'], project);
    expect(calls.map(({ params }) => params)).toEqual([{ id: 'task-0' }, { taskId }]);
  });

  test('an id of another kind is refused', async () => {
    expect(await conductor(['tasks', '--objective', 'task-0'], project)).toMatchObject({ exitCode: 2 });
  });
});

test('show prints the item, what belongs to it, and nothing a terminal would obey', async () => {
  const { out } = await conductor(['show', 'task-0'], project);
  expect(out).toContain(`runs\n  ▶ ${run.runId}  running`);
  expect(out).toContain('reason              ended with exit code 0 without saying that it is complete  [2J');
  const { out: json } = await conductor(['show', 'task-0', '--json'], project);
  expect(JSON.parse(json)).toEqual(project.answers?.['conductor_show']);
});

const next = async (counts: Record<string, Record<string, number>>, supervisor: unknown = status.supervisor) => {
  const empty = { objectives: {}, tasks: {}, runs: {}, gates: {}, workers: {} };
  const answers = {
    ...project.answers,
    conductor_get_project: { ...status, supervisor, counts: { ...empty, ...counts } },
  };
  return (await conductor(['status'], { answers })).out.trimEnd().split('\n').at(-1);
};

test('status shows where the inspector is, without what opens it, and nothing while it is off', async () => {
  const url = 'http://127.0.0.1:40123/';
  const answers = {
    ...project.answers,
    conductor_get_project: { ...status, supervisor: { ...status.supervisor, inspector: url } },
  };
  const { out } = await conductor(['status'], { answers });
  expect(out).toContain(`\ninspector   ${url}  (conductor inspect opens it)\n`);
  expect((await conductor(['status'], project)).out).not.toContain('inspector');
});

describe('status ends with what to do next', () => {
  test('nothing yet', async () => {
    expect(await next({})).toBe('Next: conductor run PLAN');
  });
  test('an open gate before everything else', async () => {
    expect(await next({ gates: { open: 1 }, tasks: { running: 1 } })).toBe(
      `Next: conductor gate answer ${gate.gateId} TEXT`,
    );
  });
  test('a review', async () => {
    expect(await next({ tasks: { needs_review: 1 } })).toBe(`Next: conductor accept ${taskId} --reason TEXT`);
  });
  test('what is ready without a supervisor', async () => {
    expect(await next({ tasks: { ready: 1 } }, null)).toBe('Next: conductor start');
  });
  test('all done', async () => {
    expect(await next({ tasks: { completed: 4 } })).toBe('Nothing to do.');
  });
});

const words = async (...typed: string[]): Promise<string[]> => {
  const { out } = await conductor(['__complete', '--', ...typed], project);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0]!);
};

describe('__complete', () => {
  test.each<[readonly string[], readonly string[]]>([
    [['st'], ['status', 'start', 'stop']],
    [
      ['gate', 'a'],
      ['approve', 'answer'],
    ],
    [['gate', 'approve', 'gate-'], [gate.gateId]],
    [
      ['gate', 'approve', gate.gateId, '--r'],
      ['--reason', '--repo'],
    ],
    [['run', '--mode', 'p'], ['pty']],
    [['run', ''], [':files']],
    [['run', '--', 'l'], [':files']],
    [['logs', '-f', 'run-'], [run.runId]],
    [['workers', 'cleanup', 'b'], ['builder']],
    [['tasks', '--objective', 'obj'], [OBJECTIVE]],
    [['call', 'conductor_get_p'], ['conductor_get_project']],
    [['nope', 'x'], []],
  ])('%j', async (typed, wanted) => {
    expect(await words(...typed)).toEqual(wanted);
  });

  test('whatever goes wrong gives no words and no error', async () => {
    const broken = { ...project, answers: {} };
    expect(await conductor(['__complete', '--', 'show', 'task-'], broken)).toMatchObject({
      exitCode: 0,
      out: '',
      err: '',
    });
  });
});
