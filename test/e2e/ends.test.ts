/**
 * Goal: every end of a run is what the table says, caused by a real program in a real run.
 * Method: one row per end of RUN_ENDS, none left out; what is expected of run, task, attempts and gates is derived from the table.
 * Every task may be tried twice, so that a retry, an interruption and an end by hand are told apart. Ends that leave the supervisor
 * alone are caused under one, side by side.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { RUN_ENDS, type EndReason, type TaskConsequence } from '../../src/machines/run/ends.ts';
import { RUN_FILES } from '../../src/supervisor/runners/contract.ts';
import type { AgentRecord } from '../../src/supervisor/runners/protocol.ts';
import { ProjectFixture, until } from './project-fixture.ts';
import type { Run } from './project-items.ts';

/** Where one end is caused. */
type Scene = { readonly project: ProjectFixture; readonly end: EndReason };

type Cause = {
  /** Keys of the task; `run` defaults to something that ends well. */
  readonly task?: (scene: Scene) => object;
  readonly plan?: object;
  readonly files?: Readonly<Record<string, string>>;
  readonly environment?: (scene: Scene) => Readonly<Record<string, string>>;
  /** Before the supervisor is started. */
  readonly prepare?: (scene: Scene) => void;
  /** What is done once the plan is made. */
  readonly act?: (scene: Scene, taskId: string) => Promise<void>;
  /** The supervisor ends in between. */
  readonly alone?: true;
};

/** Waits for `go` the first time it is executed, and does nothing after that. */
const waitsOnce = ({ project, end }: Scene): object => ({
  run: `[ -e ${project.at(end)} ] || { touch ${project.at(end)}; ${project.waits('go')}; }`,
  completion: 'exit-code',
});
const says = (status: string) => (): object => ({ run: `conductor child complete ${status} --summary ${status}` });
const command =
  (run: string, more: object = {}) =>
  (): object => ({ run, completion: 'exit-code', ...more });

async function runOnce({ project, end }: Scene, taskId: string): Promise<Run> {
  await until('the agent', () => existsSync(project.at(end)));
  return project.runOf(taskId);
}

/** Null for a record that is torn. */
const runnerIn = (text: string): AgentRecord['runner'] | null => {
  try {
    return (JSON.parse(text) as AgentRecord).runner;
  } catch {
    return null;
  }
};

/** Supervisor, runner and agent die; the start record is changed before the next supervisor looks. */
const afterDeath =
  (change: (record: AgentRecord) => string) =>
  async (scene: Scene, taskId: string): Promise<void> => {
    const { project } = scene;
    const { runId } = await runOnce(scene, taskId);
    const { runner, agent } = project.startRecord(runId);
    await project.kill();
    process.kill(runner.pid, 'SIGKILL');
    process.kill(-agent.pid, 'SIGKILL');
    const path = join(project.paths.runs, runId, RUN_FILES.agent(1));
    const changed = change(JSON.parse(readFileSync(path, 'utf8')) as AgentRecord);
    writeFileSync(path, changed);
    const then = runnerIn(changed);
    if (then !== null) writeFileSync(join(project.paths.runs, runId, RUN_FILES.runner(1)), JSON.stringify(then));
    await until('their end', () => project.processes().length === 0);
    await project.start();
  };

const anotherBoot = '00000000-0000-4000-8000-000000000000';

const CAUSES: Readonly<Record<EndReason, Cause>> = {
  succeeded: { task: command('echo done > out.txt', { verify: ['test -e out.txt'] }) },
  partial: { task: says('partial') },
  exit_without_completion: { task: () => ({ run: 'true' }) },
  scope_violated: { task: command('mkdir in out; touch in/a out/b', { writeScope: ['in'] }) },
  verification_red: { task: command('true', { verify: ['true', 'false'] }) },
  exit_nonzero: { task: command('exit 3') },
  killed: { task: command('kill -SEGV $$') },
  setup_red: { task: command('true'), plan: { setup: ['false'] } },
  idle_limit: { task: command('exec sleep 1000', { idleMs: 1_000 }) },
  time_limit: { task: command('while :; do echo x; sleep 0.1; done', { timeoutMs: 1_000 }) },
  completion_failed: { task: says('failed') },
  program_not_found: { task: () => ({ run: ['/no/such/program'] }) },
  worktree_refused: {
    files: { '.gitattributes': '*.bin filter=vault\n' },
    prepare: ({ project }) => void project.git('config', 'filter.vault.smudge', 'cat'),
  },
  credentials_missing: {
    environment: ({ project }) => {
      mkdirSync(project.at('config/conductor'), { recursive: true });
      writeFileSync(project.at('config/conductor/config.yaml'), 'env: [CREDENTIAL_OF_A_TEST]\n');
      return { XDG_CONFIG_HOME: project.at('config') };
    },
  },
  dependency_conflict: {
    plan: {
      tasks: ['left', 'right'].map((id) => ({ id, run: `echo ${id} > same.txt`, completion: 'exit-code' })),
    },
    task: command('true', { dependsOn: ['left', 'right'] }),
  },
  completion_blocked: { task: says('blocked') },
  completion_aborted: { task: says('aborted') },
  canceled: {
    task: waitsOnce,
    act: async (scene, taskId) => {
      await runOnce(scene, taskId);
      await scene.project.details('conductor_cancel_task', { taskId });
    },
  },
  stopped: {
    alone: true,
    task: waitsOnce,
    act: async (scene, taskId) => {
      await runOnce(scene, taskId);
      await scene.project.client.stop('now');
      await scene.project.ended();
      await scene.project.start();
    },
  },
  signalled: {
    task: waitsOnce,
    act: async (scene, taskId) => {
      const { runId } = await runOnce(scene, taskId);
      const { agent } = await until('its record', () => scene.project.startRecord(runId));
      process.kill(agent.pid, 'SIGTERM');
    },
  },
  rebooted: {
    alone: true,
    task: waitsOnce,
    act: afterDeath((record) => {
      const { runner, agent } = record;
      const [was, did] = [
        { ...runner, bootId: anotherBoot },
        { ...agent, bootId: anotherBoot },
      ];
      return JSON.stringify({ ...record, runner: was, agent: did });
    }),
  },
  restart_budget: {
    task: (scene) => ({ ...waitsOnce(scene), restart: { intensity: 0 } }),
    act: async (scene, taskId) => {
      const { runId } = await runOnce(scene, taskId);
      process.kill(scene.project.startRecord(runId).runner.pid, 'SIGKILL');
    },
  },
  runner_unstartable: {
    environment: ({ project }) => {
      mkdirSync(project.at('programs'));
      writeFileSync(project.at('programs/runner.cjs'), 'process.exit(1);\n');
      return { PROGRAMS: project.at('programs') };
    },
  },
  census_leftover: {
    task: ({ project }) =>
      command(`setsid sh -c 'echo $$ > ${project.at('stray')}; exec sleep 1000' & ${project.waits('stray')}; exit 1`)(),
    environment: () => ({ RUN_LIMITS: JSON.stringify({ leaveMs: 0, sweepMs: 0 }) }),
  },
  effect_failed: { task: command('rm .git') },
  dispatch_unknown: { alone: true, task: waitsOnce, act: afterDeath(() => '{"runId":') },
};

/** What becomes of a task that may be tried twice, and how many runs and counted attempts that takes. */
const EXPECTED: Readonly<Record<TaskConsequence, readonly [state: string, runs: number, attempts: number]>> = {
  complete: ['completed', 1, 1],
  review: ['needs_review', 1, 1],
  retry: ['failed', 2, 2],
  retry_review: ['needs_review', 2, 2],
  fail: ['failed', 1, 1],
  block: ['blocked', 1, 1],
  cancel: ['canceled', 1, 1],
  // The second run ends well; the first is not counted.
  interrupt: ['completed', 2, 1],
};

/** Makes the plan, causes the end, and compares everything with the table. */
async function cause(scene: Scene): Promise<void> {
  const { project, end } = scene;
  const { task = command('true'), plan = {}, act } = CAUSES[end];
  const others = (plan as { tasks?: readonly object[] }).tasks ?? [];
  const one = { id: 'one', retry: { maxAttempts: 2, backoffMs: 0 }, ...task(scene) };
  const made = await project.plan({ objective: end, ...plan, tasks: [...others, one] });
  const taskId = made.tasks['one']!;
  await act?.(scene, taskId);

  const [state, runs, attempts] = EXPECTED[RUN_ENDS[end].task];
  const ended = await project.taskIs(taskId, state);
  const { items } = await project.details<{ items: Run[] }>('conductor_list_runs', { taskId });
  const first = items.at(-1)!;
  expect([first.status, first.end]).toEqual([RUN_ENDS[end].run, end]);
  expect([ended['runs'], items.length, ended['attempts']]).toEqual([runs, runs, attempts]);
  const open = (await project.gates({ state: 'open', taskId })).map(({ type }) => type);
  expect(open).toEqual(state === 'needs_review' ? ['needs_review'] : []);
}

const ENDS = Object.keys(RUN_ENDS) as EndReason[];
const isAlone = (end: EndReason): boolean => {
  const { environment, files, alone } = CAUSES[end];
  return alone ?? (environment !== undefined || files !== undefined);
};

describe('under one supervisor', () => {
  let project: ProjectFixture;
  beforeAll(async () => {
    project = await ProjectFixture.make();
    await project.start();
  });
  afterAll(() => project.close());

  test.concurrent.each(ENDS.filter((end) => !isAlone(end)))('%s', async (end) => cause({ project, end }));
});

describe('alone', () => {
  let project: ProjectFixture;
  afterEach(() => project.close());

  test.each(ENDS.filter(isAlone))('%s', async (end) => {
    const { files = {}, environment, prepare } = CAUSES[end];
    project = await ProjectFixture.make({ files });
    const scene = { project, end };
    prepare?.(scene);
    await project.start(environment?.(scene));
    await cause(scene);
    if (end === 'census_leftover') process.kill(Number(project.said('stray')[0]), 'SIGKILL');
  });
});
