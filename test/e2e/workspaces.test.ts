/**
 * Goal: work is where it belongs, in one commit, and is never lost; what cannot be joined or was not asked for is shown to a person.
 * Method: real git, real agents; each test looks at branches and files afterwards as a user would.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openWorkspaces } from '../../src/supervisor/workspaces/open-workspaces.ts';
import { findProject } from '../../src/supervisor/workspaces/project-identity.ts';
import { ProjectFixture, until } from './project-fixture.ts';

let project: ProjectFixture;
afterEach(() => project.close());

const writes = (id: string, text: string, more: object = {}): object => ({
  id,
  run: text,
  completion: 'exit-code',
  ...more,
});

async function planned(
  tasks: readonly object[],
  files: Readonly<Record<string, string>> = {},
): Promise<Readonly<Record<string, string>>> {
  project = await ProjectFixture.make({ files });
  await project.start();
  return (await project.plan({ objective: 'Work', tasks })).tasks;
}

const rescues = (): readonly string[] =>
  project
    .git('for-each-ref', '--format=%(refname)', 'refs/conductor/rescue')
    .split('\n')
    .filter((line) => line !== '');

test('a retry finds the worktree as the attempt before left it', async () => {
  const { one } = await planned([
    writes('one', '[ -e half.txt ] && cp half.txt whole.txt && exit 0; echo half > half.txt; exit 1', {
      retry: { maxAttempts: 2, backoffMs: 0 },
    }),
  ]);
  const task = await project.taskIs(one!, 'completed');
  expect([task['runs'], task['attempts']]).toEqual([2, 2]);
  expect(project.git('show', `${task['branch'] as string}:whole.txt`)).toBe('half\n');
});

test('a worker that is used again is brought to its base; what lay around is kept as a rescue and not seen by the next', async () => {
  const named = { workerName: 'anna', verify: ['echo verified > left-by-verify.txt'] };
  const { one } = await planned([writes('one', 'echo 1 > one.txt', named)]);
  const first = await project.taskIs(one!, 'completed');
  const worker = await until('an idle worker', async () => {
    const [found] = await project.workers();
    return found?.state === 'idle' ? found : null;
  });
  writeFileSync(join(worker.worktreePath, 'left.txt'), 'left\n');
  const second = await project.plan({
    objective: 'Again',
    tasks: [writes('two', `ls > ${project.at('seen')}; echo 2 > two.txt`, { workerName: 'anna' })],
  });
  await project.taskIs(second.tasks['two']!, 'completed');
  expect((await project.workers()).map(({ workerId }) => workerId)).toEqual([worker.workerId]);
  expect(project.said('seen')).toEqual(['a.txt']);
  const files = rescues().map((ref) => project.git('ls-tree', '-r', '--name-only', ref).split('\n'));
  expect(files.flat()).toContain('left.txt');
  expect(files.flat()).toContain('left-by-verify.txt');
  // The first task's commit is still to be had: the branch of a named worker moved on.
  expect(project.git('show', `${first['commit'] as string}:one.txt`)).toBe('1\n');
});

test("filters of the user's own configuration make the files that an agent sees, and clean what it leaves", async () => {
  project = await ProjectFixture.make({
    inspector: true,
    files: { '.gitattributes': '*.bin filter=big\n', 'one.bin': 'gur jbex\n' },
  });
  const turn = project.at('turn');
  writeFileSync(turn, "#!/bin/sh\nexec tr 'a-zA-Z' 'n-za-mN-ZA-M'\n");
  chmodSync(turn, 0o755);
  for (const folder of ['config/git', 'config/conductor']) mkdirSync(project.at(folder), { recursive: true });
  writeFileSync(project.at('config/git/config'), `[filter "big"]\nsmudge = ${turn}\nclean = ${turn}\nrequired\n`);
  const tasks = [writes('one', `cp one.bin ${project.at('seen')}; echo more work > two.bin`)];
  const environment = { XDG_CONFIG_HOME: project.at('config') };
  await project.start(environment);
  const refused = await project.plan({ objective: 'Not yet', tasks });
  const task = await project.taskIs(refused.tasks['one']!, 'failed');
  expect(JSON.stringify(task)).toContain('gitFilters: [big]');
  await project.kill();
  writeFileSync(project.at('config/conductor/config.yaml'), 'gitFilters: [big]\n');
  await project.start(environment);
  const { one } = (await project.plan({ objective: 'Now', tasks })).tasks;
  const done = await project.taskIs(one!, 'completed');
  expect(project.said('seen')).toEqual(['the work']);
  expect(project.git('show', `${done['branch'] as string}:two.bin`)).toBe('zber jbex\n');
});

test('dependencies that conflict: a gate names files and tasks before the agent starts', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const { tasks } = await project.plan({
    objective: 'Conflict',
    tasks: [
      writes('left', 'echo left > same.txt'),
      writes('right', 'echo right > same.txt'),
      writes('both', project.tells('executed'), { dependsOn: ['left', 'right'] }),
    ],
  });
  await project.taskIs(tasks['both']!, 'needs_review');
  const [gate] = await project.gates({ state: 'open' });
  expect(gate).toMatchObject({ type: 'needs_review', taskId: tasks['both'] });
  for (const name of ['same.txt', 'left', 'right']) expect(gate!.ask).toContain(name);
  expect(project.said('executed')).toEqual([]);
});

test('a code dependency brings its files and is described; one for the order alone brings none', async () => {
  project = await ProjectFixture.make();
  await project.start();
  const { tasks } = await project.plan({
    objective: 'Needs',
    tasks: [
      writes('code', 'echo c > code.txt'),
      writes('more', 'echo m > more.txt'),
      writes('order', 'echo o > order.txt'),
      writes('one', `ls *.txt > ${project.at('seen')}; cat "$CONDUCTOR_DEPENDENCIES" > ${project.at('dependencies')}`, {
        dependsOn: ['code', 'more', { id: 'order', needs: 'order' }],
      }),
    ],
  });
  await project.taskIs(tasks['one']!, 'completed');
  expect(project.said('seen')).toEqual(['a.txt', 'code.txt', 'more.txt']);
  const described = JSON.parse(readFileSync(project.at('dependencies'), 'utf8')) as readonly Record<string, string>[];
  expect(described.map(({ task }) => task)).toEqual(['code', 'more', 'order']);
  expect(described[0]!['commit']).toBe(project.git('rev-parse', described[0]!['branch']!).trim());
});

test('files outside of the write scope: the work is committed, the task needs a review and says how many', async () => {
  const { one } = await planned([writes('one', 'mkdir in; touch in/a out1 out2', { writeScope: ['in'] })]);
  await project.taskIs(one!, 'needs_review');
  const run = await project.runOf(one!);
  expect([run.status, run['outsideScope'], run['changedFiles']]).toEqual(['partial', 2, 3]);
  expect(project.git('ls-tree', '--name-only', run.commit!)).toContain('out1');
});

test('a green commit carries run and effect as trailers, and holds nothing that verification wrote', async () => {
  const { one } = await planned([
    writes('one', 'echo 1 > one.txt', { title: 'First step', verify: ['test -e one.txt', 'echo v > verify.txt'] }),
  ]);
  await project.taskIs(one!, 'completed');
  const run = await project.runOf(one!);
  const message = project.git('show', '-s', '--format=%B', run.commit!);
  expect(message.split('\n')[0]).toBe('First step');
  expect(message).toContain(`Conductor-Run: ${run.runId}`);
  expect(message).toMatch(/^Conductor-Effect: \S+$/m);
  expect(project.git('show', '--name-only', '--format=', run.commit!).trim()).toBe('one.txt');
  expect(project.git('rev-list', '--count', `main..${run.branch!}`).trim()).toBe('1');
});

test('a red verification is tried again, then asks a human; a parent may not accept it, but may retry or reject it', async () => {
  const { one } = await planned([
    writes('one', 'true', {
      verify: ['test -e "$CONDUCTOR_REPO_ROOT/fixed"'],
      retry: { maxAttempts: 2, backoffMs: 0 },
    }),
  ]);
  expect((await project.taskIs(one!, 'needs_review'))['runs']).toBe(2);
  const [gate] = await project.gates({ state: 'open' });
  expect(gate).toMatchObject({ type: 'needs_review', humanOnly: true, taskId: one });
  const accept = project.details('conductor_accept_task', { taskId: one, reason: 'looks fine' });
  await expect(accept).rejects.toMatchObject({ code: 'not_permitted' });
  const approve = { gateId: gate!.gateId, status: 'approved', resolutionReason: 'looks fine' };
  await expect(project.details('conductor_resolve_gate', approve)).rejects.toMatchObject({ code: 'not_permitted' });

  await project.details('conductor_retry_task', { taskId: one });
  const again = await until('two more runs', async () => {
    const task = await project.task(one!);
    return task.state === 'needs_review' && task['runs'] === 4 ? task : null;
  });
  expect(again['attempts']).toBe(2);
  expect((await project.gates({ taskId: one! })).map(({ state }) => state)).toEqual(['open', 'canceled']);

  const [second] = await project.gates({ state: 'open' });
  await project.details('conductor_resolve_gate', {
    gateId: second!.gateId,
    status: 'rejected',
    resolutionReason: 'never mind',
  });
  await project.taskIs(one!, 'failed');
  writeFileSync(join(project.repo, 'fixed'), '');
  await project.details('conductor_retry_task', { taskId: one });
  await project.taskIs(one!, 'completed');
});

test('a partial result is accepted with a reason; its gate is used and dependents go on from its commit', async () => {
  const { one, two } = await planned([
    { id: 'one', run: 'echo 1 > one.txt' },
    writes('two', 'cp one.txt two.txt', { dependsOn: ['one'] }),
  ]);
  await project.taskIs(one!, 'needs_review');
  expect((await project.task(two!)).state).toBe('ready');
  await project.details('conductor_accept_task', { taskId: one, reason: 'good enough' });
  const accepted = await project.taskIs(one!, 'completed');
  expect(accepted['acceptedBy']).toBe('parent_agent');
  expect((await project.gates({ taskId: one! })).map(({ state }) => state)).toEqual(['used']);
  const next = await project.taskIs(two!, 'completed');
  expect(project.git('show', `${next['branch'] as string}:two.txt`)).toBe('1\n');
});

test('what a cleanup took away comes back byte for byte', async () => {
  const { one } = await planned([writes('one', 'echo 1 > one.txt', { workerName: 'anna' })], {
    '.gitignore': 'ignored/\n',
  });
  await project.taskIs(one!, 'completed');
  const worker = await until('an idle worker', async () => {
    const [found] = await project.workers();
    return found?.state === 'idle' ? found : null;
  });
  const at = (name: string): string => join(worker.worktreePath, name);
  const binary = Buffer.from(Array.from({ length: 70_000 }, (_, index) => (index * 7) % 256));
  writeFileSync(at('a.txt'), 'changed\r\nwithout an end');
  writeFileSync(at('new.bin'), binary);
  writeFileSync(at('run.sh'), '#!/bin/sh\n');
  chmodSync(at('run.sh'), 0o755);
  symlinkSync('a.txt', at('link'));
  mkdirSync(at('ignored'));
  writeFileSync(at('ignored/cache'), binary);

  await project.details('conductor_cleanup_worker', { workerId: worker.workerId });
  await until('an archived worker', async () => (await project.workers())[0]!.state === 'archived');
  expect(existsSync(worker.worktreePath)).toBe(false);
  const { repoRoot, commonGitDir } = await findProject(project.repo);
  const workspaces = await openWorkspaces({ repoRoot, commonGitDir, home: project.paths.root });
  const restored = await workspaces.restore({ workerId: worker.workerId });
  expect(restored.worktreePath).toBe(worker.worktreePath);
  expect(readFileSync(at('a.txt'), 'utf8')).toBe('changed\r\nwithout an end');
  expect(readFileSync(at('new.bin')).equals(binary)).toBe(true);
  expect(lstatSync(at('run.sh')).mode & 0o111).toBe(0o111);
  expect(readlinkSync(at('link'))).toBe('a.txt');
  expect(readFileSync(at('ignored/cache')).equals(binary)).toBe(true);
  expect(readFileSync(at('one.txt'), 'utf8')).toBe('1\n');
});
