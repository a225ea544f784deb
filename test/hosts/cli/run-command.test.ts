/**
 * Goal: `run` posts once, shows what happens, ends when nothing moves without a person, and says how.
 * Method: journals that the fake project sends, on a pipe, with --json and on a terminal; signals; a supervisor that dies.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { JournalEntry } from '../../../src/persistence/store.ts';
import { conductor, fakeIo, type FakeProject } from './surroundings.ts';
import { idOf, JournalBuilder, OBJECTIVE } from './journal.ts';

const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const plan = join(folder, 'plan.yaml');
const planText =
  'objective: Ship it\ntasks:\n  - {id: build, run: make}\n  - {id: test, run: make test, dependsOn: [build]}\n';
writeFileSync(plan, planText);

const accepted = {
  objectiveId: OBJECTIVE,
  tasks: { build: idOf('task', 'build'), test: idOf('task', 'test') },
  uncommittedFiles: 2,
  notInForce: [{ key: 'verify', why: 'not trusted' }],
};
const begun = () =>
  new JournalBuilder()
    .objective('active')
    .task('build', 'ready')
    .task('test', 'ready', { bucket: 'waiting' })
    .task('build', 'running', { activeRunId: idOf('run', 'build') })
    .run('build', 'running');
const completed = () =>
  begun()
    .run('build', 'succeeded')
    .task('build', 'completed', { branch: 'b/build', commit: 'a'.repeat(40), lastRunId: idOf('run', 'build') })
    .task('test', 'running', { bucket: 'running' })
    .task('test', 'completed', { branch: 'b/test', commit: 'b'.repeat(40), lastRunId: idOf('run', 'test') })
    .worker('w', 'idle')
    .objective('completed');

const project = (...journal: readonly (readonly JournalEntry[])[]): FakeProject => ({
  answers: {
    conductor_run_plan: accepted,
    conductor_list_events: { items: [{ seq: 1 }], nextCursor: 'x', total: null },
    conductor_cancel_objective: { changed: true },
  },
  journal,
});

describe('on a pipe', () => {
  test('lines while it runs, then what is left and how to remove it', async () => {
    const { exitCode, out, err } = await conductor(['run', plan], project(completed().entries));
    expect(exitCode).toBe(0);
    expect(out.replaceAll(/^\d\d:\d\d:\d\d/gm, 'TIME')).toMatchInlineSnapshot(`
      "TIME  build  ready
      TIME  test  waiting for its dependencies
      TIME  build  running
      TIME  build  completed  aaaaaaaaaa
      TIME  test  running
      TIME  test  completed  bbbbbbbbbb
      TIME  objective  completed
      Ship it: 2 completed
      Work of test: git log b/test
      1 worktree left; the branches stay when you remove it:
          conductor workers cleanup --objective objective-01aaaaaaaaaaaaaaaaaa
      "
    `);
    expect(err).toBe(
      `2 uncommitted files of this checkout are in no worktree\nnot in force: verify: not trusted\n${OBJECTIVE}  2 tasks\n`,
    );
  });

  test('--json prints one document on stdout, the lines go to stderr', async () => {
    const { out, err } = await conductor(['run', plan, '--json'], project(completed().entries));
    expect(JSON.parse(out)).toEqual({
      objectiveId: OBJECTIVE,
      state: 'completed',
      exitCode: 0,
      tasks: {
        build: {
          taskId: idOf('task', 'build'),
          state: 'completed',
          runId: idOf('run', 'build'),
          branch: 'b/build',
          commit: 'a'.repeat(40),
          reason: null,
          said: null,
        },
        test: expect.objectContaining({ state: 'completed', branch: 'b/test' }) as unknown,
      },
    });
    expect(err).toContain('build  running');
  });

  test('a waiting run ends it with 3, and the last line is the command', async () => {
    const journal = begun()
      .gate('build', 'open', { gateType: 'needs_input', ask: 'Which?' })
      .run('build', 'waiting_input', { waitingGateId: idOf('gate', 'build') });
    const { exitCode, out } = await conductor(['run', plan], project(journal.entries));
    expect(exitCode).toBe(3);
    expect(out.trimEnd().split('\n').at(-1)).toBe(`    conductor gate answer ${idOf('gate', 'build')} TEXT`);
  });

  test('a failure ends it with 1 and names log and retry', async () => {
    const journal = begun()
      .run('build', 'failed')
      .task('build', 'failed', { reason: 'exit code 3', lastRunId: idOf('run', 'build'), activeRunId: null })
      .task('test', 'blocked', { blockedBy: 'dependency' });
    const { exitCode, out } = await conductor(['run', plan], project(journal.entries));
    expect(exitCode).toBe(1);
    expect(out).toContain(`    conductor logs ${idOf('run', 'build')}\n    conductor retry ${idOf('task', 'build')}\n`);
  });
});

test('a terminal gets a picture, and the cursor back', async () => {
  const io = fakeIo({ terminal: true });
  const { exitCode, out } = await conductor(['run', plan], project(completed().entries), io);
  expect(exitCode).toBe(0);
  expect(out).toContain('\u001b[?25l');
  expect(out.lastIndexOf('\u001b[?25h')).toBeGreaterThan(out.lastIndexOf('\u001b[?25l'));
  expect(out).not.toMatch(/^\d\d:\d\d:\d\d {2}build/m);
});

describe('what is posted', () => {
  test('the text of the plan, as it is', async () => {
    const { calls } = await conductor(['run', plan, '--detach'], project());
    expect(calls[0]).toMatchObject({ operation: 'conductor_run_plan', params: { text: planText, file: plan } });
    expect(calls[0]?.options.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a plan from stdin', async () => {
    const { calls } = await conductor(['run', '-', '--detach'], project(), fakeIo({ input: planText }));
    expect(calls[0]?.params).toEqual({ text: planText, file: 'stdin' });
  });

  test('a program with its options', async () => {
    const argv = [
      'run',
      '--title',
      'T',
      '--verify',
      'make check',
      '--attempts',
      '3',
      '--env',
      'A=b=c',
      '--mode',
      'tmux',
    ];
    const rest = ['--scope', 'src', '--worker', 'w', '--timeout', '60000', '--prompt', 'do it', '--detach'];
    const { exitCode, calls } = await conductor([...argv, ...rest, '--', 'make', '--json', '-j2'], project());
    expect(exitCode).toBe(0);
    expect(calls[0]?.params).toEqual({
      file: 'run',
      plan: {
        objective: 'T',
        tasks: [
          {
            id: 'main',
            title: 'T',
            run: ['make', '--json', '-j2'],
            completion: 'exit-code',
            prompt: 'do it',
            verify: ['make check'],
            writeScope: ['src'],
            workerName: 'w',
            retry: { maxAttempts: 3 },
            timeoutMs: 60_000,
            env: { A: 'b=c' },
            runtimeMode: 'tmux',
          },
        ],
      },
    });
  });

  test('an option out of bounds is refused before anything is opened', async () => {
    const ran = await conductor(['run', '--timeout', '5', '--', 'ls'], project());
    expect(ran).toMatchObject({ exitCode: 2, opened: [] });
    expect(ran.err).toContain('tasks[0].timeoutMs');
  });
});

test('--detach returns at once with the ids', async () => {
  const { exitCode, out } = await conductor(['run', plan, '--detach', '--json'], project());
  expect({ exitCode, out: JSON.parse(out) as unknown }).toEqual({
    exitCode: 0,
    out: { objectiveId: OBJECTIVE, tasks: accepted.tasks },
  });
});

/** Sends the signal when the journal has been read, and then the rest of it. */
const interrupted = async (signal: 'SIGINT' | 'SIGHUP') => {
  const io = fakeIo();
  const after = completed().entries;
  const given = project(begun().entries, after);
  let seen = false;
  const write = io.stdout.write.bind(io.stdout);
  io.stdout.write = (data) => {
    write(data);
    if (!seen && String(data).includes('build  running')) {
      seen = true;
      queueMicrotask(() => io.send(signal));
    }
  };
  return conductor(['run', plan], given, io);
};

describe('L1, L2: signals', () => {
  test('Ctrl-C cancels the objective, waits for its end, and ends with 130', async () => {
    const { exitCode, calls, err } = await interrupted('SIGINT');
    expect(exitCode).toBe(130);
    expect(calls.filter(({ operation }) => operation === 'conductor_cancel_objective')).toMatchObject([
      { params: { objectiveId: OBJECTIVE, reason: 'Ctrl-C' } },
    ]);
    expect(err).toContain('Ctrl-C again kills them at once');
  });

  test('a closed terminal detaches: nothing is canceled', async () => {
    const { exitCode, calls, err } = await interrupted('SIGHUP');
    expect(exitCode).toBe(0);
    expect(calls.map(({ operation }) => operation)).not.toContain('conductor_cancel_objective');
    expect(err).toContain('detached; the work goes on');
  });
});

test('O1: when the supervisor dies it starts one again and goes on where it was', async () => {
  const { exitCode, out, err, opened } = await conductor(['run', plan], project(begun().entries, completed().entries));
  expect({ exitCode, opened }).toEqual({ exitCode: 0, opened: ['start', 'start'] });
  expect(err).toContain('the supervisor is gone; runs go on; connecting again');
  expect(out.match(/build {2}running/g)).toHaveLength(1);
});
