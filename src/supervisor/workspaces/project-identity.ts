/**
 * Which project a directory belongs to. The answer is git's own, read from its files in the common case because every
 * start of the command line asks (a git process costs more than the rest of the start); whatever looks unusual is asked
 * through git.
 *
 * I1. A subdirectory, a symbolic link and a linked worktree of one repository give one `commonGitDir` and `projectKey`.
 * I2. Reading by hand is used only where git cannot answer differently: classic `.git`, owner is us, same file system,
 *     no `core.worktree`, `core.bare` or include in its configuration.
 */
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, statSync, type Stats } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { ConductorError } from '../../machines/errors.ts';
import { slugOf } from './worktree-slug.ts';

export type Project = {
  /** Root of the main checkout; of a bare repository its git directory. */
  readonly repoRoot: string;
  /** Real path of the git directory that all worktrees share. */
  readonly commonGitDir: string;
  /** `[a-z0-9._-]{1,64}`: readable slug, `-`, 12 hex digits of the hash of `commonGitDir`. */
  readonly projectKey: string;
  /** The checkout `cwd` is in: `repoRoot`, or a linked worktree. `HEAD` of a plan means its HEAD. */
  readonly checkout: string;
};

type Layout = { readonly checkout: string; readonly gitDir: string; readonly commonGitDir: string };

/**
 * @param cwd any directory in a checkout.
 * @throws not_a_repository; repository_empty when HEAD has no commit yet.
 */
export async function findProject(cwd: string): Promise<Project> {
  const start = directoryAt(cwd);
  const layout = layoutByHand(start) ?? (await layoutByGit(start));
  if (!(headIsBorn(layout) ?? (await headIsBornByGit(layout)))) {
    throw new ConductorError(
      'repository_empty',
      `${layout.checkout} has no commit yet, and every task starts from one. Make a first commit and try again.`,
      { details: { repoRoot: layout.checkout } },
    );
  }
  const { commonGitDir } = layout;
  const repoRoot = layout.gitDir === commonGitDir ? layout.checkout : mainCheckoutOf(commonGitDir);
  return { repoRoot, commonGitDir, projectKey: projectKeyOf(commonGitDir), checkout: layout.checkout };
}

/** The key of the repository whose common git directory has this real path. */
export function projectKeyOf(commonGitDir: string): string {
  const named = basename(commonGitDir) === '.git' ? dirname(commonGitDir) : commonGitDir.replace(/\.git$/, '');
  const hash = createHash('sha256').update(commonGitDir).digest('hex').slice(0, 12);
  return `${slugOf(basename(named), 'project')}-${hash}`;
}

const mainCheckoutOf = (commonGitDir: string): string =>
  basename(commonGitDir) === '.git' ? dirname(commonGitDir) : commonGitDir;

function directoryAt(cwd: string): string {
  try {
    return realpathSync.native(cwd);
  } catch (cause) {
    throw notARepository(cwd, cause);
  }
}

function notARepository(cwd: string, cause: unknown): ConductorError {
  return new ConductorError(
    'not_a_repository',
    `${cwd} is not in a git repository. Go to one, name one with --repo, or run \`git init\` and make a commit.`,
    { details: { cwd }, cause },
  );
}

/** Null: something is unusual, ask git. */
function layoutByHand(start: string): Layout | null {
  const device = statSync(start).dev;
  for (let directory = start; ; directory = dirname(directory)) {
    const here = statOf(directory);
    if (here === null || here.dev !== device || statOf(join(directory, 'HEAD')) !== null) return null;
    const dotGit = statOf(join(directory, '.git'));
    if (dotGit !== null) return layoutAt(directory, dotGit);
    if (directory === dirname(directory)) return null;
  }
}

function layoutAt(checkout: string, dotGit: Stats): Layout | null {
  const isOurs = dotGit.uid === process.getuid?.() && statOf(checkout)?.uid === dotGit.uid;
  const gitDir = isOurs ? gitDirOf(checkout, dotGit) : null;
  const commonGitDir = gitDir === null ? null : commonDirOf(gitDir, dotGit.isFile());
  return gitDir === null || commonGitDir === null || !isOrdinary(commonGitDir)
    ? null
    : { checkout, gitDir, commonGitDir };
}

function gitDirOf(checkout: string, dotGit: Stats): string | null {
  const path = join(checkout, '.git');
  if (!dotGit.isFile()) return realPathOf(path);
  const pointer = /^gitdir: (.+)\n$/.exec(textOf(path) ?? '')?.[1];
  return pointer === undefined ? null : realPathOf(resolve(checkout, pointer));
}

function commonDirOf(gitDir: string, linked: boolean): string | null {
  if (statOf(join(gitDir, 'HEAD')) === null) return null;
  const common = textOf(join(gitDir, 'commondir'))?.trim();
  // A `.git` file without `commondir` is a submodule or a separate git directory, with a checkout named elsewhere.
  if (linked !== (common !== undefined)) return null;
  return common === undefined ? gitDir : realPathOf(resolve(gitDir, common));
}

function isOrdinary(commonGitDir: string): boolean {
  const config = textOf(join(commonGitDir, 'config'));
  if (config === null || /worktree|include|bare\s*=\s*(?!\s|false)/i.test(config)) return false;
  return statOf(join(commonGitDir, 'objects')) !== null && statOf(join(commonGitDir, 'refs')) !== null;
}

async function layoutByGit(start: string): Promise<Layout> {
  const flags = ['--absolute-git-dir', '--git-common-dir', '--is-bare-repository', '--is-inside-work-tree'];
  const answer = await askGit(start, ['rev-parse', '--path-format=absolute', ...flags]).catch((cause: unknown) => {
    throw notARepository(start, cause);
  });
  const [gitDir = '', common = '', bare, inside] = answer.split('\n');
  const commonGitDir = realpathSync.native(common);
  let checkout = bare === 'true' ? commonGitDir : mainCheckoutOf(commonGitDir);
  if (inside === 'true') {
    checkout = realpathSync.native((await askGit(start, ['rev-parse', '--show-toplevel'])).replace(/\n$/, ''));
  }
  return { checkout, gitDir: realpathSync.native(gitDir), commonGitDir };
}

/** Null: not decided by files alone. */
function headIsBorn({ gitDir, commonGitDir }: Layout): boolean | null {
  const head = textOf(join(gitDir, 'HEAD'))?.trim() ?? '';
  if (/^[0-9a-f]{40,64}$/.test(head)) return true;
  const ref = /^ref: (refs\/heads\/.+)$/.exec(head)?.[1];
  if (ref === undefined || ref === 'refs/heads/.invalid') return null;
  if (/^[0-9a-f]{40,64}$/.test(textOf(join(commonGitDir, ref))?.trim() ?? '')) return true;
  const packed = textOf(join(commonGitDir, 'packed-refs'));
  return packed?.split('\n').some((line) => line.endsWith(` ${ref}`)) ? true : null;
}

async function headIsBornByGit({ gitDir }: Layout): Promise<boolean> {
  return askGit(gitDir, ['--git-dir', gitDir, 'rev-parse', '--verify', '--quiet', 'HEAD^{commit}']).then(
    () => true,
    () => false, // Exit 1 is the answer "no such commit"; a git that cannot start has failed before this.
  );
}

function askGit(cwd: string, args: readonly string[]): Promise<string> {
  const { PATH = '/usr/bin:/bin', HOME = '/' } = process.env;
  const env = { PATH, HOME, LC_ALL: 'C', GIT_TERMINAL_PROMPT: '0' };
  return new Promise((done, fail) => {
    execFile('git', [...args], { cwd, env, encoding: 'utf8' }, (error, stdout) => {
      if (error) fail(error);
      else done(stdout);
    });
  });
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch {
    return null; // Unreadable is for git to judge.
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // Missing is an answer here.
  }
}

function realPathOf(path: string): string | null {
  try {
    return realpathSync.native(path);
  } catch {
    return null; // A dangling pointer is for git to judge.
  }
}

/** What `<common git dir>/conductor/project` says: under which key and path this repository was known. */
export type ProjectMark = { readonly projectKey: string; readonly commonGitDir: string };

const markPathOf = (commonGitDir: string): string => join(commonGitDir, 'conductor', 'project');

export function readProjectMark(commonGitDir: string): ProjectMark | null {
  try {
    const mark = JSON.parse(textOf(markPathOf(commonGitDir)) ?? 'null') as Partial<ProjectMark> | null;
    if (typeof mark?.projectKey !== 'string' || typeof mark.commonGitDir !== 'string') return null;
    return { projectKey: mark.projectKey, commonGitDir: mark.commonGitDir };
  } catch {
    return null; // A damaged mark is no mark; the owner writes it anew.
  }
}

/** Written by the owner of the project, after its lock is held. */
export async function writeProjectMark(project: Pick<Project, 'commonGitDir' | 'projectKey'>): Promise<void> {
  const { commonGitDir, projectKey } = project;
  mkdirSync(join(commonGitDir, 'conductor'), { recursive: true, mode: 0o700 });
  await writeFileAtomic(markPathOf(commonGitDir), `${JSON.stringify({ projectKey, commonGitDir })}\n`, { mode: 0o600 });
}

/**
 * Whether the repository was known under another path: `moved` (its home is still under the old key), or `copied`
 * (the original is where it was, so this is a project of its own).
 */
export type MarkCheck =
  | { readonly kind: 'same' | 'unmarked' }
  | { readonly kind: 'moved' | 'copied'; readonly mark: ProjectMark };

export function checkProjectMark(project: Pick<Project, 'commonGitDir' | 'projectKey'>): MarkCheck {
  const mark = readProjectMark(project.commonGitDir);
  if (mark === null) return { kind: 'unmarked' };
  if (mark.projectKey === project.projectKey) return { kind: 'same' };
  const original = readProjectMark(mark.commonGitDir);
  return { kind: original?.projectKey === mark.projectKey ? 'copied' : 'moved', mark };
}

/** @throws project_moved with the old path and key and the way out. */
export function requireUnmoved(project: Pick<Project, 'commonGitDir' | 'projectKey'>): void {
  const check = checkProjectMark(project);
  if (check.kind !== 'moved') return;
  throw new ConductorError(
    'project_moved',
    `This repository was known as ${check.mark.projectKey} at ${check.mark.commonGitDir} and is now at ` +
      `${project.commonGitDir}. Move it back, or run \`conductor doctor --adopt\` to take its tasks along.`,
    { details: { from: check.mark.commonGitDir, to: project.commonGitDir, projectKey: check.mark.projectKey } },
  );
}
