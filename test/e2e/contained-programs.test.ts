/**
 * Goal: where a cgroup per run is to be had, a program that escapes every other census is found in it and ended, also when runner and
 * supervisor are gone.
 * Method: the kernel's own cgroups, in a mount namespace in which they are the only hierarchy; `systemd-run` is played by a script that
 * makes the scope, moves itself in and becomes the program, as the real one does.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, readdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ProjectFixture, until } from './project-fixture.ts';

const UNIFIED = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((path) => existsSync(join(path, 'cgroup.procs')));
const mayMount = (): boolean => {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return UNIFIED !== undefined;
  } catch {
    return false;
  }
};
/** Needs a cgroup v2 hierarchy and the right to mount. */
const isPossible = mayMount();

let project: ProjectFixture;
let slice = '';
beforeEach(async () => {
  project = await ProjectFixture.make();
  slice = `conductor-test-${String(process.pid)}.slice`;
});
afterEach(async () => {
  await project.close();
  const path = join(UNIFIED ?? '', slice);
  if (!existsSync(path)) return;
  // systemd removes an empty scope; nobody does here. The last warm runner leaves with its supervisor.
  for (const scope of readdirSync(path).filter((name) => name.endsWith('.scope'))) {
    await until(`${scope} is empty`, () => readFileSync(join(path, scope, 'cgroup.procs'), 'utf8') === '');
    rmdirSync(join(path, scope));
  }
  rmdirSync(path);
});

const program = (name: string, text: string): string => {
  const path = project.at(name);
  writeFileSync(path, text, { mode: 0o755 });
  return path;
};

/** @returns the words in front of the supervisor's program, and the environment with the played `systemd-run`. */
function contained(): [environment: Record<string, string>, prefix: readonly string[]] {
  const bin = project.at('bin');
  mkdirSync(bin);
  program(
    'bin/systemd-run',
    `#!/bin/sh
while [ "$1" != -- ]; do case "$1" in --unit=*) unit="\${1#--unit=}";; esac; shift; done; shift
scope="/sys/fs/cgroup/${slice}/$unit.scope"
mkdir -p "$scope" && echo $$ > "$scope/cgroup.procs" && exec "$@"
`,
  );
  const enter = program(
    'enter.sh',
    `#!/bin/sh
set -e
mount --bind '${UNIFIED!}' /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/${slice}
mkdir -p /var/lib/systemd; mount -t tmpfs none /var/lib/systemd
mkdir -p /var/lib/systemd/linger; touch /var/lib/systemd/linger/${userInfo().username}
exec "$@"
`,
  );
  const environment = {
    RUN_LIMITS: JSON.stringify({ leaveMs: 300, sweepMs: 10_000 }),
    PATH: `${bin}:${process.env['PATH']!}`,
  };
  return [environment, ['unshare', '-m', '--propagation', 'private', enter]];
}

/** Leaves group, session, environment and parent in one go: nothing but a cgroup holds it. */
const escapes = (name: string): string => {
  const stay = program('stay.sh', '#!/bin/sh\necho $$ > "$1"\nexec sleep 1000\n');
  return `env -i setsid sh -c '(${stay} ${project.at(name)} &)' & ${project.waits(name)}`;
};
const pidIn = (name: string): number => Number(project.said(name)[0]);
const isAlive = (pid: number): boolean =>
  existsSync(`/proc/${String(pid)}/stat`) && !/\) Z /.test(readFileSync(`/proc/${String(pid)}/stat`, 'utf8'));
/** The cgroup that the run's runner wrote down. */
const scopeOf = (runId: string): string => readFileSync(join(project.paths.runs, runId, '1.scope'), 'utf8').trim();
const membersOf = (runId: string): string => readFileSync(join(UNIFIED!, scopeOf(runId), 'cgroup.procs'), 'utf8');

test.runIf(isPossible)('what escapes every census is found in the cgroup of its run, and ended', async () => {
  await project.start(...contained());
  // The second was certainly started before it knew of a run.
  for (const [kind, unit] of [
    ['first', 'conductor-'],
    ['second', 'conductor-warm-'],
  ] as const) {
    const one = { id: 'one', run: escapes(kind), completion: 'exit-code' };
    const taskId = (await project.plan({ objective: kind, tasks: [one] })).tasks['one']!;
    await until('the end', async () => (await project.task(taskId)).state === 'completed');
    const run = await project.runOf(taskId);
    expect(run.status).toBe('succeeded');
    expect(scopeOf(run.runId)).toContain(`/${slice}/${unit}`);
    expect(isAlive(pidIn(kind))).toBe(false);
    expect(membersOf(run.runId)).toBe('');
    await until('two are kept ready', () => project.waiting().length === 2);
  }
});

test.runIf(isPossible)('the next supervisor finds it too, when runner and supervisor were killed', async () => {
  const how = contained();
  await project.start(...how);
  const one = { id: 'one', run: `${escapes('pid')}; ${project.waits('never')}`, restart: { intensity: 0 } };
  const taskId = (await project.plan({ objective: 'Contained', tasks: [one] })).tasks['one']!;
  const pid = await until('the program', () => (project.said('pid').length > 0 ? pidIn('pid') : null));
  const { runId } = await project.runOf(taskId);
  const record = JSON.parse(readFileSync(join(project.paths.runs, runId, '1.agent'), 'utf8')) as {
    readonly runner: { readonly pid: number };
  };
  await project.kill();
  process.kill(record.runner.pid, 'SIGKILL');
  expect(isAlive(pid)).toBe(true);
  await project.start(...how);
  await until('the end', async () => (await project.task(taskId)).state === 'needs_review');
  expect(isAlive(pid)).toBe(false);
  expect(membersOf(runId)).toBe('');
});
