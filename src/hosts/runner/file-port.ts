/**
 * The file operations that a runner's promises rest on, as a port, so that a test can refuse the Nth of them.
 *
 * Node's fsync and fdatasync ask for F_FULLFSYNC on macOS (libuv, uv__fs_fsync): no other call is needed there.
 */
import * as nodeFs from 'node:fs';

export type FilePort = Pick<
  typeof nodeFs,
  | 'openSync'
  | 'closeSync'
  | 'writeSync'
  | 'readSync'
  | 'fsyncSync'
  | 'fdatasyncSync'
  | 'ftruncateSync'
  | 'fstatSync'
  | 'linkSync'
  | 'renameSync'
  | 'unlinkSync'
>;

export const systemFiles: FilePort = nodeFs;

/** Writes all of it at a place: write(2) may take less than it was given. */
export const writeFully = (
  files: FilePort,
  fd: number,
  at: { readonly bytes: Buffer; readonly offset: number },
): void => {
  let done = 0;
  while (done < at.bytes.length) {
    done += files.writeSync(fd, at.bytes, done, at.bytes.length - done, at.offset + done);
  }
};

/** Makes a new name in a directory last. */
export const syncDirectory = (files: FilePort, path: string): void => {
  const fd = files.openSync(path, 'r');
  try {
    files.fsyncSync(fd);
  } finally {
    files.closeSync(fd);
  }
};
