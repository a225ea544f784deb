/**
 * Goal: a supervisor that is killed right before or right after any effect loses nothing and does nothing twice.
 * Method: one row per kind of effect; the supervisor dies with SIGKILL before the first try and after the second one, is started
 * again each time, and what is counted lies outside of its reach: lines that agents wrote, commits, artifacts.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EFFECT_RULES, type EffectName } from '../../src/machines/effects.ts';
import { ProjectFixture, until } from './project-fixture.ts';

let project: ProjectFixture;
afterEach(() => project.close());

/** Dies at both sides of this effect, each once. */
function dyingAt(effect: EffectName): Readonly<Record<string, string>> {
  mkdirSync(project.at('crashes'), { recursive: true });
  return { CRASH_AT: `before:${effect},after:${effect}`, CRASHES: project.at('crashes') };
}

const bothSides = (effect: EffectName): readonly string[] => [`after:${effect}`, `before:${effect}`];
const crashes = (): readonly string[] => readdirSync(project.at('crashes')).toSorted();

/** Executed once, committed once, kept once. */
async function expectDoneOnce(taskId: string, epoch: number): Promise<void> {
  const run = await project.runOf(taskId);
  expect([run.status, run.epoch, run.attempt]).toEqual(['succeeded', epoch, 1]);
  expect(project.git('rev-list', '--count', `main..${run.branch!}`).trim()).toBe('1');
  expect(project.git('show', `${run.branch!}:out.txt`)).toBe('done\n');
  const names = (await project.artifacts(run.runId)).map(({ type, name }) => `${type} ${name}`);
  expect(names).toContain('changed_files changes.patch');
  expect(names).toEqual([...new Set(names)]);
  expect(project.git('worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(2);
}

const isCompleted = (taskId: string) => async (): Promise<boolean> =>
  (await project.task(taskId)).state === 'completed';

/** How each effect is made to happen, and what must hold when it happened at last. */
const ROWS: Readonly<Record<EffectName, (effect: EffectName) => Promise<void>>> = {
  prepareWorkspace: alongOneRun,
  startRunner: alongOneRun,
  sealWork: alongOneRun,
  verifyWork: alongOneRun,
  finishRun: alongOneRun,
  deliverAnswer: async (effect) => {
    const taskId = await planOnce(
      effect,
      `conductor child gate --type needs_input --ask name --wait > ${project.at('answer')}`,
    );
    const gate = await until('the question', async () => (await project.gates({ state: 'open' }))[0] ?? null);
    await project.details('conductor_resolve_gate', {
      gateId: gate.gateId,
      status: 'approved',
      resolutionReason: 'asked',
      answer: 'Ada',
    });
    await surviveUntil(effect, isCompleted(taskId));
    expect(project.said('answer')).toEqual(['Ada']);
    expect(project.said('executed')).toEqual(['executed']);
    await expectDoneOnce(taskId, 1);
  },
  sweepEpoch: async (effect) => {
    const taskId = await planOnce(effect, project.waits('go'));
    await until('the agent', () => project.said('executed').length === 1);
    const first = project.startRecord((await project.runOf(taskId)).runId);
    process.kill(first.runner.pid, 'SIGKILL');
    await surviveUntil(effect, () => Promise.resolve(project.said('executed').length === 2));
    expect(project.processes().some(({ pid }) => pid === first.agent.pid)).toBe(false);
    project.say('go');
    await until('completed', isCompleted(taskId));
    expect(project.said('executed')).toHaveLength(2);
    await expectDoneOnce(taskId, 2);
  },
  createWorktree: async (effect) => {
    await project.start(dyingAt(effect));
    await project.details('conductor_create_worker', { name: 'anna' });
    await surviveUntil(effect, () => workerIs('idle'));
    expect(existsSync(join((await project.workers())[0]!.worktreePath, 'a.txt'))).toBe(true);
  },
  recoverWorktree: async (effect) => {
    await project.start(dyingAt(effect));
    await project.details('conductor_create_worker', { name: 'anna' });
    await until('the worker', () => workerIs('idle'));
    const [worker] = await project.workers();
    await project.kill();
    rmSync(worker!.worktreePath, { recursive: true });
    await project.start(dyingAt(effect));
    await until('a broken worker', () => workerIs('broken'));
    await project.details('conductor_recover_worker', { name: 'anna' });
    await surviveUntil(effect, () => workerIs('idle'));
    expect(existsSync(join(worker!.worktreePath, 'a.txt'))).toBe(true);
  },
  cleanupWorktree: async (effect) => {
    const taskId = await planOnce(effect);
    await until('completed', isCompleted(taskId));
    await until('an idle worker', () => workerIs('idle'));
    const [worker] = await project.workers();
    await project.details('conductor_cleanup_worker', { workerId: worker!.workerId });
    await surviveUntil(effect, () => workerIs('archived'));
    expect(existsSync(worker!.worktreePath)).toBe(false);
    expect(project.git('worktree', 'list', '--porcelain').match(/^worktree /gm)).toHaveLength(1);
    expect(project.git('show', `${worker!.branch}:out.txt`)).toBe('done\n');
  },
};

async function workerIs(state: string): Promise<boolean> {
  return (await project.workers())[0]?.state === state;
}

/** One task whose agent and verification count themselves, under a supervisor that is going to die. */
async function planOnce(effect: EffectName, before = 'true'): Promise<string> {
  await project.start(dyingAt(effect));
  const run = `${project.tells('executed')}; ${before}; echo done > out.txt`;
  const one = { id: 'one', run, completion: 'exit-code', verify: [project.tells('verified')] };
  return (await project.plan({ objective: 'Crash', tasks: [one] })).tasks['one']!;
}

/** @param isOver holds when the effect and what follows it have happened. */
async function surviveUntil(effect: EffectName, isOver: () => Promise<boolean>): Promise<void> {
  await project.ended();
  await project.survive(dyingAt(effect), isOver);
}

async function alongOneRun(effect: EffectName): Promise<void> {
  const taskId = await planOnce(effect);
  await surviveUntil(effect, isCompleted(taskId));
  expect(project.said('executed')).toEqual(['executed']);
  expect(project.said('verified')).toEqual(['verified']);
  await expectDoneOnce(taskId, 1);
}

test.each(Object.keys(EFFECT_RULES) as EffectName[])(
  'killed before and after %s: it happens, once, and nothing else twice',
  async (effect) => {
    project = await ProjectFixture.make();
    await ROWS[effect](effect);
    expect(crashes()).toEqual(bothSides(effect));
  },
);

const slowVerification = async (): Promise<string> => {
  const verify = [`${project.tells('verified')}; ${project.waits('go')}`];
  const run = `${project.tells('executed')}; echo done > out.txt`;
  const plan = { objective: 'Verify', tasks: [{ id: 'one', run, completion: 'exit-code', verify }] };
  const taskId = (await project.plan(plan)).tasks['one']!;
  await until('the verification', () => project.said('verified').length === 1);
  return taskId;
};

test('killed during a verification: the runner goes on with it, and its result counts', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const taskId = await slowVerification();
  await project.kill();
  project.say('go');
  await project.start();
  await until('completed', isCompleted(taskId));
  expect([project.said('executed'), project.said('verified')]).toEqual([['executed'], ['verified']]);
  await expectDoneOnce(taskId, 1);
});

test('supervisor and runner killed during a verification: it is begun again, the agent is not', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const taskId = await slowVerification();
  const { runId } = await project.runOf(taskId);
  await project.kill();
  process.kill(project.startRecord(runId).runner.pid, 'SIGKILL');
  await project.start();
  await until('a second verification', () => project.said('verified').length === 2);
  project.say('go');
  await until('completed', isCompleted(taskId));
  expect(project.said('executed')).toEqual(['executed']);
  await expectDoneOnce(taskId, 2);
});

test('killed between spawn and grant, again and again: one runner is granted, one agent is executed', async () => {
  project = await ProjectFixture.make();
  const environment = dyingAt('startRunner');
  await project.start(environment);
  const tasks = Array.from({ length: 6 }, (_, index) => ({
    id: `t${String(index)}`,
    run: project.tells('executed', `t${String(index)}`),
    completion: 'exit-code',
  }));
  await project.plan({ objective: 'Grant', maxConcurrency: 6, tasks });
  await project.ended();
  await project.survive(environment, async () => (await project.tasks()).every(({ state }) => state === 'completed'));
  expect(project.said('executed').toSorted()).toEqual(tasks.map(({ id }) => id));
  expect((await project.runs()).map(({ epoch }) => epoch)).toEqual(tasks.map(() => 1));
});
