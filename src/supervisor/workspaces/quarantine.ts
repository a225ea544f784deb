/**
 * Copies what git does not keep (ignored files, nested repositories, permission bits) into the home, and back.
 *
 * Q1. Names, contents, permission bits, times and symbolic links survive; sockets, pipes and devices are left out.
 * Q2. The manifest is written last and atomically: a quarantine without one was interrupted and counts for nothing,
 *     because the worktree is removed only after it.
 */
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  type Stats,
  utimesSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { locate, type PathBytes } from './path-bytes.ts';
import type { RescuedFile } from './rescue-commit.ts';

export type QuarantineManifest = {
  readonly workerId: string;
  readonly worktreePath: string;
  readonly branch: string;
  /** The commit the rescue's files lie over. */
  readonly head: string;
  readonly rescueRef: string;
  /** Paths below `files/`, one character per byte. */
  readonly copied: readonly PathBytes[];
  readonly modes: readonly RescuedFile[];
};

export const quarantineDir = (home: string, workerId: string, stamp: string): string =>
  join(home, 'quarantine', workerId, stamp);

/** Bytes of regular files at and below `path`. */
export function sizeBelow(root: string, path: PathBytes): number {
  let bytes = 0;
  walk(locate(root, path), (_location, stat) => {
    if (stat.isFile()) bytes += stat.size;
  });
  return bytes;
}

/** Depth-first, parents before children; symbolic links are visited, not followed. */
function walk(location: Buffer, visit: (location: Buffer, stat: Stats) => void): void {
  const stat = lstatSync(location, { throwIfNoEntry: false });
  if (stat === undefined) return;
  visit(location, stat);
  if (!stat.isDirectory()) return;
  for (const name of readdirSync(location, { encoding: 'buffer' })) walk(child(location, name), visit);
}

const child = (parent: Buffer, name: Buffer): Buffer => Buffer.concat([parent, Buffer.from('/'), name]);

/** Copies `paths` from one root to another and syncs every file. @returns how many files and links were written. */
export async function copyTree(from: string, to: string, paths: readonly PathBytes[]): Promise<number> {
  const written: Buffer[] = [];
  const directories: { readonly location: Buffer; readonly stat: Stats }[] = [];
  let links = 0;
  // For what lies at the top: the parents of everything else are made with it.
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const path of paths) {
    const source = locate(from, path);
    const target = locate(to, path);
    makeParents(from, to, path);
    walk(source, (location, stat) => {
      const copy = Buffer.concat([target, location.subarray(source.length)]);
      if (stat.isDirectory()) {
        mkdirSync(copy, { recursive: true, mode: 0o700 });
        directories.push({ location: copy, stat });
      } else if (stat.isSymbolicLink()) {
        rmSync(copy, { force: true });
        symlinkSync(readlinkSync(location, { encoding: 'buffer' }), copy);
        links += 1;
      } else if (stat.isFile()) {
        rmSync(copy, { force: true });
        copyFileSync(location, copy, constants.COPYFILE_FICLONE);
        chmodSync(copy, stat.mode & 0o7777);
        utimesSync(copy, stat.atimeMs / 1000, stat.mtimeMs / 1000);
        written.push(copy);
      }
    });
  }
  for (const location of written) await syncFile(location);
  // Last and innermost first: a directory without write permission could not be filled.
  for (const { location, stat } of directories.toReversed()) chmodSync(location, stat.mode & 0o7777);
  return written.length + links;
}

function makeParents(from: string, to: string, path: PathBytes): void {
  const parts = path.split('/');
  for (let depth = 1; depth < parts.length; depth += 1) {
    const parent = parts.slice(0, depth).join('/') as PathBytes;
    const target = locate(to, parent);
    if (existsSync(target)) continue;
    mkdirSync(target, { recursive: true, mode: 0o700 });
    const stat = lstatSync(locate(from, parent), { throwIfNoEntry: false });
    if (stat !== undefined) chmodSync(target, stat.mode & 0o7777);
  }
}

async function syncFile(location: Buffer): Promise<void> {
  const handle = await open(location, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function writeManifest(directory: string, manifest: QuarantineManifest): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  await writeFileAtomic(join(directory, 'manifest.json'), JSON.stringify(manifest), { mode: 0o600 });
  const handle = await open(dirname(join(directory, 'manifest.json')), constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export function readManifest(directory: string): QuarantineManifest | null {
  const path = join(directory, 'manifest.json');
  if (!existsSync(path)) return null;
  return JSON.parse(readFileSync(path, 'utf8')) as QuarantineManifest;
}
