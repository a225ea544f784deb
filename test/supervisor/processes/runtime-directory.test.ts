/**
 * Goal: sockets land only in a directory that nobody else can write to, under a path that every system takes.
 * Method: real directories with every fault; other users by chown, which needs root, else by asking as another user.
 */
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isConductorError } from '../../../src/machines/errors.ts';
import { openRuntimeDirectory, socketPath } from '../../../src/supervisor/processes/runtime-directory.ts';

const uid = process.geteuid!();
let parent = '';
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'conductor-'));
});
afterEach(() => rmSync(parent, { recursive: true }));

const open = (xdgRuntimeDir?: string, asked = uid) =>
  openRuntimeDirectory({ xdgRuntimeDir, uid: asked, fallbackParent: parent });
const faultOf = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (isConductorError(error, 'unsafe_runtime_dir')) return error.details['fault'];
    throw error;
  }
  return null;
};

test('it is made below XDG_RUNTIME_DIR with mode 700, and found again', () => {
  const directory = open(parent);
  expect(directory).toBe(join(parent, 'conductor'));
  expect(lstatSync(directory).mode & 0o777).toBe(0o700);
  expect(open(parent)).toBe(directory);
});

test.each([undefined, '', '.', 'relative/path', '/no/such/directory'])('XDG_RUNTIME_DIR %j is passed over', (xdg) => {
  expect(open(xdg)).toBe(join(parent, `conductor-${uid}`));
});

test('an XDG_RUNTIME_DIR of another user is passed over', () => {
  const other = uid === 0 ? 4_711 : uid + 1;
  const xdg = join(parent, 'xdg');
  mkdirSync(xdg);
  // Asked as another user, everything here is somebody else's: neither directory may be used.
  expect(faultOf(() => open(xdg, other))).toMatch(/belongs to user/);
});

test('X1: a link, a file, and a directory open to others are refused, not repaired', () => {
  const directory = join(parent, `conductor-${uid}`);
  symlinkSync(parent, directory);
  expect(faultOf(open)).toBe('it is a symbolic link');
  rmSync(directory);
  writeFileSync(directory, '');
  expect(faultOf(open)).toBe('it is not a directory');
  rmSync(directory);
  mkdirSync(directory);
  for (const mode of [0o750, 0o701, 0o770, 0o777]) {
    chmodSync(directory, mode);
    expect(faultOf(open)).toBe(`its mode is ${mode.toString(8)}, not 700`);
    expect(lstatSync(directory).mode & 0o777).toBe(mode);
  }
});

test('X1: a parent in which others may rename is refused unless it is sticky', () => {
  chmodSync(parent, 0o777);
  expect(faultOf(open)).toMatch(/no sticky bit/);
  chmodSync(parent, 0o1777);
  expect(faultOf(open)).toBeNull();
});

test('X2: a socket’s path has 103 bytes at most, and stays the same for the same key', () => {
  expect(socketPath('/run/user/1000/conductor', 'my-repo-1a2b', 7)).toBe(
    '/run/user/1000/conductor/my-repo-1a2b.7.sock',
  );
  const long = `${'ä'.repeat(60)}-1a2b`;
  const path = socketPath('/run/user/1000/conductor', long, 7);
  expect(Buffer.byteLength(path)).toBeLessThanOrEqual(103);
  expect(socketPath('/run/user/1000/conductor', long, 7)).toBe(path);
  expect(socketPath('/run/user/1000/conductor', `${long}x`, 7)).not.toBe(path);
  for (let length = 1; length < 103; length += 1) {
    const directory = `/${'d'.repeat(length)}`;
    const fault = (() => {
      try {
        return Buffer.byteLength(socketPath(directory, long, 123_456)) <= 103 ? null : 'too long';
      } catch (error) {
        return isConductorError(error, 'unsafe_runtime_dir') ? 'refused' : String(error);
      }
    })();
    // '/' + 16 digits + '.123456.sock' are 29 bytes.
    expect([length, fault]).toEqual([length, length + 1 + 29 <= 103 ? null : 'refused']);
  }
});

test('X2: the longest path is one that the system binds', async () => {
  const directory = join(parent, 'd'.repeat(103 - 24 - parent.length - 1));
  mkdirSync(directory);
  const path = socketPath(directory, 'k'.repeat(200), 1);
  expect(Buffer.byteLength(path)).toBe(103);
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  expect(lstatSync(path).isSocket()).toBe(true);
  await new Promise((resolve) => server.close(resolve));
});
