/**
 * The programs, copied to where nothing replaces them: `npm ci` empties `node_modules` under living processes, a home does not.
 *
 * R1. A copy is made aside, synced, and renamed: whoever finds its name finds all of it. Two makers at once leave one copy.
 * R2. Its name holds version and content; a copy is never changed, and one that lost files is replaced as a whole.
 * R3. A copy that nobody uses goes (runtime-copies.ts of the supervisor). Whoever finds one says so first; one that is going is made
 *     again under another name.
 * R4. It is complete: programs, their chunks, the inspector's page, and the packages that cannot be bundled, as far as they are
 *     installed.
 */
import { createHash, randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { takeCopy } from '../../supervisor/runtime-copies.ts';
import { PAGE_FOLDER } from './own-package.ts';

export type RuntimeCopyOptions = {
  /** CONDUCTOR_HOME. */
  readonly home: string;
  /** The folder with `supervisor.cjs`. */
  readonly programs: string;
  readonly version: string;
};

type CopiedFile = { readonly name: string; readonly data: Buffer; readonly mode: number };

const FOLDER_MODE = 0o700;
/** Packages that load a native file or a worker from their own folder, and what of them is needed at run time. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  'node-pty': ['package.json', 'lib', 'build/Release', `prebuilds/${process.platform}-${process.arch}`],
  piscina: ['package.json', 'dist'],
};
/** For people and compilers; half of all bytes. */
const NOT_NEEDED = /\.(?:map|d\.ts|test\.js|modules\.json|md)$|\/(?:obj\.target|\.deps)\//;

/**
 * Makes the copy, or finds it. Already running from it is the same as finding it.
 *
 * @returns its folder, `<home>/runtime/<version>-<hash>`.
 */
export const copyRuntime = ({ home, programs, version }: RuntimeCopyOptions): string => {
  const parent = join(home, 'runtime');
  if (dirname(programs) === parent) return programs;
  const files = [
    manifest(version),
    ...filesOf(programs, programs),
    ...pageFiles(programs),
    ...outsidePackages(programs),
  ];
  const target = nameFor(join(parent, `${version}-${hashOf(files)}`));
  if (isComplete(target, files)) return target;
  mkdirSync(parent, { recursive: true, mode: FOLDER_MODE });
  const passing = `${target}.${randomBytes(4).toString('hex')}`;
  try {
    writeCopy(passing, files);
    takePlace(passing, target, files);
  } finally {
    rmSync(passing, { recursive: true, force: true });
  }
  return target;
};

/** R3. */
const nameFor = (wanted: string): string => {
  for (let attempt = 1; ; attempt += 1) {
    const name = attempt === 1 ? wanted : `${wanted}-${String(attempt)}`;
    if (takeCopy(name)) return name;
  }
};

/** By it the copy knows its own version. */
const manifest = (version: string): CopiedFile => ({
  name: 'package.json',
  data: Buffer.from(`${JSON.stringify({ name: 'conductor-kernel', version, type: 'module', private: true })}\n`),
  mode: 0o600,
});

/** @param as what its place in the copy is counted from. */
const filesOf = (folder: string, as: string): readonly CopiedFile[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !NOT_NEEDED.test(path) && statSync(path).isFile())
    .map((path) => copied(path, relative(as, path)))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** Beside the programs where they are built; not there before the page is. */
const pageFiles = (programs: string): readonly CopiedFile[] => {
  const built = dirname(programs);
  const page = join(built, PAGE_FOLDER);
  return existsSync(page) ? filesOf(page, built) : [];
};

const copied = (path: string, name: string): CopiedFile => ({
  name,
  data: readFileSync(path),
  mode: (statSync(path).mode & 0o100) === 0 ? 0o600 : 0o700,
});

const outsidePackages = (programs: string): readonly CopiedFile[] =>
  Object.entries(OUTSIDE).flatMap(([name, parts]) => {
    const folder = packageFolder(programs, name);
    if (folder === null) return [];
    return parts
      .map((part) => join(folder, part))
      .filter((path) => existsSync(path))
      .flatMap((path) => (statSync(path).isFile() ? [copied(path, relative(folder, path))] : filesOf(path, folder)))
      .map((file) => ({ ...file, name: join('node_modules', name, file.name) }));
  });

/** As Node finds it: the nearest `node_modules` above the programs. Null when it is not installed. */
const packageFolder = (start: string, name: string): string | null => {
  for (let folder = start; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (folder === dirname(folder)) return null;
  }
};

const hashOf = (files: readonly CopiedFile[]): string => {
  const hash = createHash('sha256');
  for (const { name, data, mode } of files)
    hash.update(`${name}\0${String(mode)}\0${String(data.length)}\0`).update(data);
  return hash.digest('hex').slice(0, 12);
};

const isComplete = (target: string, files: readonly CopiedFile[]): boolean =>
  files.every(({ name, data }) => statSync(join(target, name), { throwIfNoEntry: false })?.size === data.length);

const writeCopy = (target: string, files: readonly CopiedFile[]): void => {
  const folders = new Set([target]);
  for (const { name, data, mode } of files) {
    const path = join(target, name);
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_MODE });
    for (let folder = dirname(path); folder !== target; folder = dirname(folder)) folders.add(folder);
    const descriptor = openSync(path, 'wx', mode);
    try {
      for (let done = 0; done < data.length;) done += writeSync(descriptor, data, done);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
  for (const folder of folders) syncFolder(folder);
};

const takePlace = (passing: string, target: string, files: readonly CopiedFile[]): void => {
  try {
    renameSync(passing, target);
  } catch (error) {
    // Somebody was faster (R1), or what stands there is damaged (R2): processes that run from it keep their open files.
    if (!existsSync(target)) throw error;
    if (isComplete(target, files)) return;
    const damaged = `${passing}.damaged`;
    renameSync(target, damaged);
    renameSync(passing, target);
    rmSync(damaged, { recursive: true, force: true });
  }
  syncFolder(dirname(target));
};

const syncFolder = (folder: string): void => {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
};
