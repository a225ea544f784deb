/**
 * Goal: without a supervisor everything that only looks works from the files, and looking leaves no trace.
 * Method: the real opener over a real repository: without a home, with a store that an owner left, with a broken one.
 */
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ActorId, EpochMs } from '../../../src/machines/ids.ts';
import { projectHome } from '../../../src/persistence/project-home.ts';
import { openSqliteStore } from '../../../src/persistence/sqlite-store.ts';
import { createKernel } from '../../../src/supervisor/kernel/create-kernel.ts';
import { systemClock } from '../../../src/supervisor/kernel/system-clock.ts';
import { findProject, writeProjectMark } from '../../../src/supervisor/workspaces/project-identity.ts';
import { createLocalProject } from '../../../src/hosts/cli/local-project.ts';
import { createPortOpener } from '../../../src/hosts/cli/open-port.ts';
import { runCli } from '../../../src/hosts/cli/run-cli.ts';
import { actorOf, artifactOf, batchOf, idOf } from '../../persistence/store-builders.ts';
import { fakeIo, type FakeIo } from './surroundings.ts';
import { OBJECTIVE } from './journal.ts';

let folder: string;
let repo: string;
let home: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  repo = join(folder, 'repository');
  home = join(folder, 'home');
  mkdirSync(repo);
  git('init', '-q');
  git('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '-q', '--allow-empty', '-m', 'first');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const git = (...args: string[]): string => execFileSync('git', ['-C', repo, ...args], { encoding: 'utf8' });

const conductor = async (argv: readonly string[], given: { readonly io?: FakeIo; readonly cwd?: string } = {}) => {
  const env = { CONDUCTOR_HOME: home, PATH: process.env['PATH'] ?? '', HOME: folder };
  const io = given.io ?? fakeIo({ env, cwd: given.cwd ?? repo });
  const exitCode = await runCli(argv, {
    io,
    version: '1.2.3',
    opener: createPortOpener({ env, isAtTerminal: false }),
    local: createLocalProject({ env, child: async () => 0 }),
  });
  return { exitCode, out: io.stdout.text, err: io.stderr.text };
};

describe('P1: a project without a home has zeros, and nothing is created', () => {
  test.each([
    ['status', /Next: conductor run PLAN/],
    ['tasks', /^no tasks\n$/],
    ['events', /^no events\n$/],
    ['replay', /^0 entries, 0 entities, 0 differences\n$/],
    ['doctor', /ok {4}store +nothing has been done/],
    ['stop', /^nothing was running\n$/],
    ['call --list', /conductor_run_plan/],
  ])('%s', async (line, wanted) => {
    const { exitCode, out } = await conductor(line.split(' '));
    expect(exitCode).toBe(0);
    expect(out).toMatch(wanted);
    expect(readdirSync(folder)).toEqual(['repository']);
    expect(git('status', '--porcelain')).toBe('');
  });
});

test('outside of a repository, and before the first commit, it ends with 2', async () => {
  expect(await conductor(['status'], { cwd: folder })).toMatchObject({ exitCode: 2, out: '' });
  const empty = join(folder, 'empty');
  execFileSync('git', ['init', '-q', empty]);
  expect(await conductor(['status', '--repo', empty])).toMatchObject({ exitCode: 2 });
});

test.each(['svg', 'json', 'mermaid'])('the chart of a machine as %s needs no repository', async (format) => {
  const { exitCode, out } = await conductor(['diagram', 'gate', '--format', format], { cwd: folder });
  const ending = format === 'mermaid' ? 'mmd' : format;
  expect({ exitCode, out }).toEqual({
    exitCode: 0,
    out: readFileSync(`visualizations/machines/gate.${ending}`, 'utf8'),
  });
});

test('a chart of what is not there, and of no machine', async () => {
  expect(await conductor(['diagram', 'gates'])).toMatchObject({ exitCode: 1, out: '' });
  expect(await conductor(['diagram', 'run-01'], { cwd: folder })).toMatchObject({ exitCode: 2, out: '' });
  expect(await conductor(['diagram', 'run', '--format', 'png'])).toMatchObject({ exitCode: 2, out: '' });
});

test('doctor says that it is no repository, beside what it can say', async () => {
  const { exitCode, out } = await conductor(['doctor', '--json'], { cwd: folder });
  const { checks, failed } = JSON.parse(out) as { checks: { what: string; state: string }[]; failed: number };
  expect({ exitCode, failed }).toEqual({ exitCode: 4, failed: 1 });
  expect(checks.find(({ what }) => what === 'repository')?.state).toBe('FAIL');
  expect(checks.map(({ what }) => what)).toContain('git');
});

/** A store with one objective, as a supervisor that has ended left it. */
const leaveStore = async (): Promise<string> => {
  const { projectKey } = await findProject(repo);
  const paths = projectHome(home, projectKey);
  mkdirSync(paths.root, { recursive: true });
  const store = await openSqliteStore({ path: paths.database });
  const kernel = await createKernel({
    store,
    clock: systemClock,
    handlers: null,
    onFatal: (reason) => expect.fail(reason),
  });
  await kernel.post({
    principal: 'human',
    messages: [
      {
        kind: 'create',
        id: OBJECTIVE as ActorId,
        input: {
          objectiveId: OBJECTIVE,
          title: 'Ship it',
          prompt: null,
          maxConcurrency: 4,
          baseCommit: null,
          draft: true,
          at: Date.now() as EpochMs,
        },
      },
      { kind: 'event', to: OBJECTIVE as ActorId, event: { type: 'objective.activate' } },
    ],
  });
  await kernel.stop();
  await store.close();
  return paths.database;
};

describe('with a store that an owner left', () => {
  test('lists, show, events and replay read it', async () => {
    await leaveStore();
    expect((await conductor(['objectives'])).out).toContain('Ship it');
    expect((await conductor(['show', 'objective-01a'])).out).toContain('Ship it');
    expect((await conductor(['events'])).out).toContain('objective.activate');
    const drawn = await conductor(['diagram', 'objective-01a', '--format', 'svg']);
    expect(drawn.out).toContain('Active: active.</desc>');
    expect(await conductor(['replay'])).toMatchObject({ exitCode: 0, out: '2 entries, 1 entity, 0 differences\n' });
    expect((await conductor(['doctor'])).out).toMatch(/ok {4}journal +2 entries/);
  });

  test('doctor says what is old enough for the archive, by what the user has configured', async () => {
    const store = await openSqliteStore({ path: await leaveStore() });
    const updatedAt = (Date.now() - 40 * 86_400_000) as EpochMs;
    const task = actorOf(idOf('task', 1), { facts: { state: 'completed', settled: true } });
    await store.commit(
      batchOf({
        owner: store.owner,
        actors: [{ ...task, createdAt: updatedAt, updatedAt }],
        artifacts: [artifactOf(1, { taskId: task.id, bytes: 2 * 1_048_576 })],
      }),
    );
    await store.close();
    expect((await conductor(['doctor'])).out).toMatch(/ok {4}retention +nothing was settled more than 90 days ago\n/);
    mkdirSync(join(folder, '.config', 'conductor'), { recursive: true });
    writeFileSync(join(folder, '.config', 'conductor', 'config.yaml'), 'retainDays: 30\n');
    expect((await conductor(['doctor'])).out).toMatch(
      /retention +1 objective or single task settled more than 30 days ago, to be archived with up to 2\.0 MiB of evidence\n/,
    );
  });

  test('what changes something is refused with the way to a supervisor', async () => {
    await leaveStore();
    const opener = createPortOpener({ env: { CONDUCTOR_HOME: home }, isAtTerminal: false });
    const port = await opener.open(repo, 'read');
    await expect(port.call('conductor_cancel_objective', { objectiveId: OBJECTIVE })).rejects.toMatchObject({
      code: 'supervisor_unreachable',
    });
    await port.close();
  });

  test('a damaged one is trouble for readers, and doctor says what to do', async () => {
    writeFileSync(await leaveStore(), 'this is no database, and long enough to be looked at as one'.repeat(20));
    expect(await conductor(['tasks'])).toMatchObject({ exitCode: 4 });
    const { exitCode, out } = await conductor(['doctor']);
    expect(exitCode).toBe(4);
    expect(out).toMatch(/FAIL {2}store/);
  });
});

test('doctor --fix removes a lock of git that nobody holds, and only then', async () => {
  const lock = join(repo, '.git', 'index.lock');
  writeFileSync(lock, '');
  expect((await conductor(['doctor'])).out).toMatch(/ok {4}git locks/);
  utimesSync(lock, new Date(0), new Date(0));
  const seen = await conductor(['doctor']);
  expect(seen.exitCode).toBe(4);
  expect(seen.out).toMatch(/FAIL {2}git locks .*nobody has it open {2}→ conductor doctor --fix/);
  expect((await conductor(['doctor', '--fix'])).out).toMatch(/ok {4}git locks +removed/);
  expect(readdirSync(join(repo, '.git'))).not.toContain('index.lock');
});

test('doctor --adopt takes the tasks of a moved repository along', async () => {
  await leaveStore();
  await writeProjectMark(await findProject(repo));
  const moved = join(folder, 'moved');
  renameSync(repo, moved);
  expect(await conductor(['objectives'], { cwd: moved })).toMatchObject({ exitCode: 4 });
  expect((await conductor(['doctor'], { cwd: moved })).out).toMatch(/FAIL {2}repository .*conductor doctor --adopt/);
  expect((await conductor(['doctor', '--adopt'], { cwd: moved })).exitCode).toBe(0);
  expect((await conductor(['objectives'], { cwd: moved })).out).toContain('Ship it');
});
