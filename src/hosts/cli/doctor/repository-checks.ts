/** The repository: where it was known before, its worktrees against the store, locks that git left behind, trust. */
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkerContext } from '../../../machines/worker/model.ts';
import { openSqliteReader } from '../../../persistence/sqlite-reader.ts';
import type { StoredActor } from '../../../persistence/store.ts';
import { lockHolder } from '../../../supervisor/workspaces/git-locks.ts';
import { openWorkspaces } from '../../../supervisor/workspaces/open-workspaces.ts';
import { checkProjectMark } from '../../../supervisor/workspaces/project-identity.ts';
import { configurationHere } from '../configuration-here.ts';
import { durationText, plural } from '../output/time-text.ts';
import type { ProjectPlace } from '../project-place.ts';
import { checked, fail, ok, warn, type Check } from './doctor-check.ts';

/** Git holds a lock for a second at most, even in a large repository. */
const STALE_LOCK_MS = 60_000;
const PAGE = 1_000;

type Env = Readonly<Record<string, string | undefined>>;
export type RepositoryCheckOptions = { readonly env: Env; readonly now: number; readonly fix: boolean };

export const repositoryChecks = async (
  place: ProjectPlace,
  { env, now, fix }: RepositoryCheckOptions,
): Promise<readonly Check[]> => [
  await checked('repository', () => markCheck(place)),
  await checked('worktrees', () => worktreesCheck(place)),
  await checked('git locks', () => locksCheck(place, now, fix)),
  await checked('trust', () => trustCheck(place, env)),
];

const markCheck = ({ project }: ProjectPlace): Check => {
  const mark = checkProjectMark(project);
  if (mark.kind === 'moved') {
    return fail(
      'repository',
      `it was known at ${mark.mark.commonGitDir}`,
      'conductor doctor --adopt takes its tasks along',
    );
  }
  const copied = mark.kind === 'copied' ? '; a copy, so a project of its own' : '';
  return ok('repository', `${project.repoRoot}, project ${project.projectKey}${copied}`);
};

const worktreesCheck = async ({ project, paths }: ProjectPlace): Promise<Check> => {
  const { repoRoot, commonGitDir } = project;
  const workspaces = await openWorkspaces({ repoRoot, commonGitDir, home: paths.root });
  const listed = new Set((await workspaces.listWorktrees()).map(({ path }) => path));
  const workers = await liveWorkers(paths.database);
  // A worker whose worktree is being made has none yet.
  const prepared = workers.filter(({ prepared: isPrepared }) => isPrepared);
  const lost = prepared.filter(({ worktreePath }) => !listed.has(worktreePath) || !existsSync(worktreePath));
  if (lost.length === 0) return ok('worktrees', `${plural(prepared.length, 'worker')}, each with its worktree`);
  const [first] = lost;
  return fail(
    'worktrees',
    `${plural(lost.length, 'worker')} without worktree, as ${first!.worktreePath}`,
    `conductor workers recover ${first!.name ?? first!.workerId}`,
  );
};

const liveWorkers = async (database: string): Promise<readonly WorkerContext[]> => {
  const reader = await openSqliteReader(database);
  try {
    const found: StoredActor[] = [];
    let after: string | null = null;
    do {
      const page: { readonly items: readonly StoredActor[]; readonly nextCursor: string | null } =
        await reader.listActors({
          kind: 'worker',
          live: true,
          limit: PAGE,
          ...(after === null ? {} : { after }),
        });
      found.push(...page.items);
      after = page.nextCursor;
    } while (after !== null);
    return found.map(({ snapshot }) => snapshot.context as unknown as WorkerContext);
  } finally {
    await reader.close();
  }
};

/** A shared lock goes only on request, and only when no process has it open. */
const locksCheck = ({ project }: ProjectPlace, now: number, fix: boolean): Check => {
  const stale = readdirSync(project.commonGitDir)
    .filter((name) => name.endsWith('.lock'))
    .map((name) => join(project.commonGitDir, name))
    .filter((path) => now - (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now) > STALE_LOCK_MS);
  const [first] = stale;
  if (first === undefined) return ok('git locks', 'none is older than a minute');
  const holder = lockHolder(first);
  if (holder !== null) {
    return warn(
      'git locks',
      `${first} is held by ${holder.command} (pid ${String(holder.pid)})`,
      'wait for it, or end it',
    );
  }
  const age = durationText(now - (statSync(first, { throwIfNoEntry: false })?.mtimeMs ?? now));
  if (!fix)
    return fail('git locks', `${first} is ${age} old and nobody has it open`, 'conductor doctor --fix removes it');
  if (process.platform !== 'linux') {
    return fail(
      'git locks',
      `${first} is ${age} old`,
      `here nobody can tell who holds it: end all git programs, then rm ${first}`,
    );
  }
  const removed = stale.filter((path) => lockHolder(path) === null);
  for (const path of removed) rmSync(path, { force: true });
  return ok('git locks', `removed ${removed.join(', ')}`);
};

const trustCheck = async (place: ProjectPlace, env: Env): Promise<Check> => {
  const { repository, notInForce } = await configurationHere(place, env).at('HEAD');
  if (repository === null) return ok('trust', 'the repository has no configuration');
  if (notInForce.length === 0)
    return ok('trust', repository.trusted ? 'the configuration is trusted' : 'nothing needs trust');
  const [first] = notInForce;
  return warn(
    'trust',
    `not in force: ${notInForce.map(({ key }) => key).join(', ')} (${first!.why})`,
    repository.trusted ? 'edit your own configuration, or the one of the repository' : 'conductor trust',
  );
};
