/**
 * Goal: the home is where users expect it, and nobody else can read it.
 * Method: environments as values; real directories, one of them with a very long name, one of another user.
 */
import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { conductorHome, ensureProjectHome, projectHome } from '../../src/persistence/project-home.ts';
import { acquireOwnership } from '../../src/persistence/owner-lock.ts';
import { openSqliteStore } from '../../src/persistence/sqlite-store.ts';
import { actorOf, batchOf, idOf } from './store-builders.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'conductor-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test.each([
  [{ CONDUCTOR_HOME: '/a', PI_CONDUCTOR_HOME: '/b', XDG_STATE_HOME: '/c', HOME: '/d' }, '/a'],
  [{ PI_CONDUCTOR_HOME: '/b', XDG_STATE_HOME: '/c', HOME: '/d' }, '/b'],
  [{ CONDUCTOR_HOME: '', XDG_STATE_HOME: '/c', HOME: '/d' }, '/c/conductor'],
  [{ XDG_STATE_HOME: 'relative', HOME: '/d' }, '/d/.local/state/conductor'],
  [{ HOME: '/d' }, '/d/.local/state/conductor'],
  [{}, join(homedir(), '.local/state/conductor')],
  [{ CONDUCTOR_HOME: 'here' }, resolve('here')],
])('the home of %j is %s', (env, home) => {
  expect(conductorHome(env)).toBe(home);
});

test('the files of a project have their names', () => {
  const paths = projectHome('/h', 'key');
  expect(paths).toMatchObject({
    root: '/h/projects/key',
    supervisorFile: '/h/projects/key/supervisor.json',
    ownerLock: '/h/projects/key/owner.db',
    database: '/h/projects/key/conductor.db',
    trustFile: '/h/projects/key/trust.json',
    supervisorLog: '/h/projects/key/log/supervisor.log',
    backups: '/h/projects/key/backups',
    artifacts: '/h/projects/key/artifacts',
  });
  expect(paths.runDirectory('run-1')).toBe('/h/projects/key/runs/run-1');
});

test.each(['', '.', '..', 'a/b', '../x', '.hidden', 'a\0b', 'x'.repeat(101)])('%j is no key and no run', (name) => {
  expect(() => projectHome('/h', name)).toThrow(expect.objectContaining({ code: 'invalid_params' }));
  expect(() => projectHome('/h', 'key').runDirectory(name)).toThrow(
    expect.objectContaining({ code: 'invalid_params' }),
  );
});

test('directories are made for this user alone, and making them again changes nothing', () => {
  const paths = projectHome(join(folder, 'home'), 'key');
  ensureProjectHome(paths);
  ensureProjectHome(paths);
  for (const path of [
    join(folder, 'home'),
    paths.root,
    paths.runs,
    paths.artifacts,
    paths.backups,
    paths.logDirectory,
  ]) {
    expect(statSync(path).mode & 0o777).toBe(0o700);
  }
});

test('a home of another user is refused', () => {
  const paths = projectHome(join(folder, 'home'), 'key');
  ensureProjectHome(paths);
  chownSync(paths.root, 65_534, 65_534);
  expect(() => ensureProjectHome(paths)).toThrow(expect.objectContaining({ code: 'owned_by_other_user' }));
});

test('a home of 200 bytes works to the last file, a longer one than 300 is refused by name', async () => {
  const home = join(folder, 'é'.repeat(40), 'x'.repeat(200)).slice(0, 160);
  expect(Buffer.byteLength(home)).toBe(200);
  const paths = projectHome(conductorHome({ CONDUCTOR_HOME: home }), 'k'.repeat(64));
  ensureProjectHome(paths);
  const commonGitDir = join(folder, 'git');
  mkdirSync(commonGitDir);
  const ownership = await acquireOwnership({
    projectHome: paths.root,
    commonGitDir,
    projectKey: paths.key,
    instance: 'i',
  });
  const store = await openSqliteStore({ path: paths.database, owner: ownership.owner });
  expect(await store.commit(batchOf({ owner: ownership.owner, actors: [actorOf(idOf('task', 1))] }))).toEqual({
    kind: 'committed',
  });
  expect(await store.backup()).toContain(paths.backups);
  await store.close();
  ownership.release();
  expect(() => conductorHome({ CONDUCTOR_HOME: `/${'x'.repeat(300)}` })).toThrow(/301 bytes, at most 300/);
});
