/** Goal: homes are refused where locks do not hold. Method: played statfs numbers and `mount` lines, and this machine. */
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { isConductorError } from '../../../src/machines/errors.ts';
import { requireLocalFileSystem, type FileSystemProbe } from '../../../src/supervisor/processes/file-system-kind.ts';

const numbered = (type: number): FileSystemProbe => ({ platform: 'linux', statfs: () => ({ type }), mounts: () => '' });
const refusalOf = (path: string, probe: FileSystemProbe) => {
  try {
    requireLocalFileSystem(path, probe);
  } catch (error) {
    if (isConductorError(error, 'home_on_network_fs')) return error;
    throw error;
  }
  return null;
};

test.each([
  ['nfs', 0x6969],
  ['smb', 0x517b],
  ['cifs', 0xff534d42],
  ['cifs', 0xff534d42 - 2 ** 32],
  ['smb2', 0xfe534d42],
  ['afs', 0x5346414f],
  ['ceph', 0x00c36400],
  ['9p', 0x01021997],
  ['lustre', 0x0bd00bd0],
])('K1: %s (%i) is refused, and the message says what to set', (name, type) => {
  const error = refusalOf('/tmp', numbered(type));
  expect(error?.details).toEqual({ path: '/tmp', fileSystem: name });
  expect(error?.message).toMatch(/set CONDUCTOR_HOME to a directory on a local disk/);
});

test.each([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630, 0x12345])('K1: %i is allowed silently', (type) => {
  expect(requireLocalFileSystem('/tmp', numbered(type)).warning).toBeNull();
});

test('K2: FUSE is allowed with a warning', () => {
  expect(requireLocalFileSystem('/tmp', numbered(0x65735546))).toEqual({
    name: 'fuse',
    warning: expect.stringMatching(/^\/tmp is on FUSE.*local disk$/),
  });
});

test('a path that does not exist yet is judged by what is above it, links followed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'conductor-'));
  const asked: string[] = [];
  const probe = { ...numbered(0xef53), statfs: (path: string) => (asked.push(path), { type: 0xef53 }) };
  requireLocalFileSystem(join(directory, 'not', 'yet'), probe);
  expect(asked).toEqual([realpathSync(directory)]);
  rmSync(directory, { recursive: true });
});

const MOUNTS = `/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)
devfs on /dev (devfs, local, nobrowse)
//u@server/share on ${realpathSync(tmpdir())} (smbfs, nodev, nosuid, mounted by u)
map auto_home on /System/Volumes/Data/home (autofs, automounted, nobrowse)
`;

test('on macOS the longest mount above the path counts', () => {
  const probe: FileSystemProbe = { platform: 'darwin', statfs: () => ({ type: 0x6969 }), mounts: () => MOUNTS };
  expect(refusalOf(join(tmpdir(), 'home'), probe)?.details['fileSystem']).toBe('smbfs');
  expect(requireLocalFileSystem('/usr', probe)).toEqual({ name: 'apfs', warning: null });
});

test('this machine’s temporary directory is local', () => {
  expect(requireLocalFileSystem(tmpdir()).warning).toBeNull();
});
