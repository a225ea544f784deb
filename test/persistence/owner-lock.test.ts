/**
 * Goal: one owner per repository, whatever dies, stops, forks or is replaced.
 * Method: real processes that take the locks; this process looks on, and tries itself.
 */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireOwnership, type Ownership } from '../../src/persistence/owner-lock.ts';
import { openSqliteStore } from '../../src/persistence/sqlite-store.ts';
import { endPrograms, startProgram } from './child-program.ts';
import { waitFor } from './wait-for.ts';

let folder: string;
let home: string;
let gitDir: string;
const mine: Ownership[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
  home = join(folder, 'state', 'projects', 'key');
  gitDir = join(folder, 'git');
  mkdirSync(home, { recursive: true });
  mkdirSync(gitDir);
});
afterEach(async () => {
  for (const ownership of mine.splice(0)) ownership.release();
  await endPrograms();
  rmSync(folder, { recursive: true });
});

const acquire = async (options: Partial<Parameters<typeof acquireOwnership>[0]> = {}): Promise<Ownership> => {
  const all = {
    projectHome: home,
    commonGitDir: gitDir,
    projectKey: 'key',
    instance: `test ${mine.length}`,
    ...options,
  };
  const ownership = await acquireOwnership(all);
  mine.push(ownership);
  return ownership;
};

type Answer = {
  readonly owner?: { readonly epoch: number };
  readonly child?: number;
  readonly error?: { readonly code: string; readonly details: Record<string, unknown> };
};
const start = (...args: string[]) => startProgram('own-repository.ts', args);
const answerOf = async (program: ReturnType<typeof start>): Promise<Answer> =>
  JSON.parse(await program.line((line) => line.startsWith('{'))) as Answer;

test('the second process is refused at once, and told who and what helps', async () => {
  const first = start(home, gitDir);
  expect((await answerOf(first)).owner?.epoch).toBe(1);
  const began = performance.now();
  await expect(acquire()).rejects.toMatchObject({
    code: 'owned_elsewhere',
    retryable: true,
    details: {
      pid: first.pid,
      home,
      state: 'running',
      commands: [
        `CONDUCTOR_HOME=${join(folder, 'state')} conductor status`,
        `CONDUCTOR_HOME=${join(folder, 'state')} conductor stop`,
      ],
    },
  });
  expect(performance.now() - began).toBeLessThan(1_000);
});

test('a second acquisition in one process is refused too', async () => {
  await acquire();
  await expect(acquire()).rejects.toMatchObject({ code: 'owned_elsewhere', details: { pid: process.pid } });
});

test('L3: kill -9 frees it at once', async () => {
  const first = start(home, gitDir);
  await answerOf(first);
  first.kill('SIGKILL');
  await first.ended;
  expect((await acquire()).owner.epoch).toBe(2);
});

test('SIGSTOP keeps it, and the refusal says that it is stopped', async () => {
  const first = start(home, gitDir);
  await answerOf(first);
  first.kill('SIGSTOP');
  const refusal = await waitFor('the stop to be seen', async () => {
    const error = (await acquire().catch((reason: unknown) => reason)) as Answer['error'];
    return error?.details['state'] === 'stopped' ? error : null;
  });
  expect(refusal).toMatchObject({
    code: 'owned_elsewhere',
    details: { pid: first.pid, commands: [`kill -CONT ${first.pid}`, `kill -KILL ${first.pid}`] },
  });
});

test('a detached child does not inherit it', async () => {
  const first = start(home, gitDir, '--with-child');
  const { child } = await answerOf(first);
  try {
    first.kill('SIGKILL');
    await first.ended;
    expect(() => process.kill(child!, 0)).not.toThrow();
    expect((await acquire()).owner.epoch).toBe(2);
  } finally {
    process.kill(child!, 'SIGKILL');
  }
});

test('L1: two homes cannot own one repository; the refusal names the other home', async () => {
  const first = start(home, gitDir);
  await answerOf(first);
  const other = join(folder, 'other', 'projects', 'key');
  mkdirSync(other, { recursive: true });
  await expect(acquire({ projectHome: other })).rejects.toMatchObject({
    code: 'owned_elsewhere',
    details: { home, pid: first.pid },
  });
  // The home's own lock was given back: it can own another repository.
  const elsewhere = join(folder, 'git 2');
  mkdirSync(elsewhere);
  await acquire({ projectHome: other, commonGitDir: elsewhere });
});

test('L2: the epoch rises from owner to owner, and over that of either lock and the store', async () => {
  const first = await acquire();
  expect(first.owner).toEqual({ epoch: 1, instance: 'test 0' });
  first.release();
  const second = await acquire();
  expect(second.owner.epoch).toBe(2);
  second.release();
  rmSync(join(home, 'owner.db'));
  const third = await acquire();
  expect(third.owner.epoch).toBe(3);
  third.release();
  const store = await openSqliteStore({ path: join(home, 'conductor.db'), owner: { epoch: 40, instance: 'x' } });
  await store.close();
  expect((await acquire()).owner.epoch).toBe(41);
});

test('one that is about to be refused keeps nobody out', async () => {
  (await acquire()).release();
  const other = startProgram('look-at-lock.ts', [join(home, 'owner.db'), '100']);
  await other.line((line) => line === 'in the door');
  expect((await acquire()).owner.epoch).toBe(2);
});

test('of processes that start together exactly one wins', async () => {
  const programs = Array.from({ length: 6 }, () => start(home, gitDir));
  const answers = await Promise.all(programs.map(answerOf));
  expect(answers.filter(({ owner }) => owner !== undefined)).toHaveLength(1);
  const refused = answers.filter(({ error }) => error !== undefined);
  expect(refused.map(({ error }) => error!.code)).toEqual(Array.from({ length: 5 }, () => 'owned_elsewhere'));
});

test.each(['owner.db', 'conductor.db', 'git'])('a file that was replaced or removed is noticed: %s', async (which) => {
  const ownership = await acquire();
  const store = await openSqliteStore({ path: join(home, 'conductor.db'), owner: ownership.owner });
  try {
    expect(ownership.check()).toEqual({ kind: 'held' });
    const path = which === 'git' ? join(gitDir, 'conductor', 'owner.db') : join(home, which);
    renameSync(path, `${path}.away`);
    expect(ownership.check()).toEqual({ kind: 'lost', path });
    copyFileSync(`${path}.away`, path);
    expect(ownership.check()).toEqual({ kind: 'lost', path });
    unlinkSync(path);
    renameSync(`${path}.away`, path);
    expect(ownership.check()).toEqual({ kind: 'held' });
  } finally {
    await store.close();
  }
});

test('looking does not lose the lock', async () => {
  const ownership = await acquire();
  for (let step = 0; step < 100; step += 1) ownership.check();
  const second = start(home, gitDir);
  expect((await answerOf(second)).error?.code).toBe('owned_elsewhere');
});

test('a release leaves nothing that could be taken for an owner, and can be repeated', async () => {
  const ownership = await acquire();
  expect(existsSync(join(home, 'owner.json'))).toBe(true);
  ownership.release();
  ownership.release();
  expect(existsSync(join(home, 'owner.json'))).toBe(false);
  expect(existsSync(join(gitDir, 'conductor', 'owner.json'))).toBe(false);
  expect((await acquire()).owner.epoch).toBe(2);
});

test('lock files are for this user alone', async () => {
  await acquire();
  for (const path of [join(home, 'owner.db'), join(home, 'owner.json'), join(gitDir, 'conductor', 'owner.db')]) {
    expect(statSync(path).mode & 0o777).toBe(0o600);
  }
  expect(statSync(join(gitDir, 'conductor')).mode & 0o777).toBe(0o700);
});

test("a lock of another user is that user's", async () => {
  const first = await acquire();
  first.release();
  chownSync(join(home, 'owner.db'), 65_534, 65_534);
  await expect(acquire()).rejects.toMatchObject({ code: 'owned_by_other_user', details: { owner: 65_534 } });
});

test('a home that cannot be written is said to be that', async () => {
  chmodSync(folder, 0o755);
  const program = startProgram('own-repository.ts', [home, gitDir], { uid: 65_534 });
  const { error } = await answerOf(program);
  expect(error?.code).toBe('home_read_only');
});
