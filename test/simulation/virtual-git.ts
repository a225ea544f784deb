/** Git of the simulation: worktrees and branches as facts. Every answer takes time; a repeat finds what was done. */
import { ConductorError } from '../../src/machines/errors.ts';
import { sha256 } from '../../src/supervisor/specs/canonical-json.ts';
import type {
  PrepareRequest,
  PrepareResult,
  SealRequest,
  SealResult,
  Workspaces,
} from '../../src/supervisor/workspaces/workspace-port.ts';
import type { Life } from './virtual-time.ts';
import type { World } from './world.ts';

type Worktree = { branch: string; commit: string };

const LATENCY_MAX_MS = 60;
/** Files that an agent may have changed; the second is outside of every write scope of the simulation. */
const FILES = ['src/a.ts', 'elsewhere/b.ts', 'src/c.ts'];

export const commitId = (text: string): string => sha256(text).slice(0, 40);

export class VirtualGit {
  readonly worktrees = new Map<string, Worktree>();
  readonly #planned = new Set<string>();
  readonly #seals = new Map<string, SealResult>();
  readonly #prepared = new Map<string, 'conflict' | 'refused'>();
  readonly #files = new Map<string, readonly string[]>();
  /** What the agents of a run wrote into its files, and the patches that came of it. */
  readonly #written = new Map<string, Set<string>>();
  readonly #patches = new Map<string, string>();

  /** An agent writes a line into its worktree, which it once should not. */
  write(runId: string, line: string): void {
    this.#written.set(runId, (this.#written.get(runId) ?? new Set()).add(line));
  }

  /** Someone deletes the directory. */
  vanish(path: string): void {
    this.worktrees.delete(path);
  }

  /** As one supervisor uses it: what it has not heard when it dies it never hears. */
  for(world: World, life: Life): Workspaces {
    const work = async (): Promise<void> => {
      await world.time.wait(life, world.chance.int(1, LATENCY_MAX_MS));
      if (world.time.monotonic < world.trouble.gitFailsUntil) {
        throw new ConductorError('git_failed', 'git ended with 128');
      }
      if (world.time.monotonic < world.trouble.gitLockedUntil) {
        throw new ConductorError('git_locked', 'index.lock is there', { retryable: true });
      }
    };
    /** The answer takes time too, so that a supervisor can die after the deed and before it knows. */
    const answer = async <Result>(result: Result): Promise<Result> => {
      await world.time.wait(life, world.chance.int(0, 5));
      return result;
    };
    return {
      resolveBase: async (commitish) => {
        await work();
        return /^[0-9a-f]{40}$/.test(commitish) ? commitish : commitId(commitish);
      },
      fileAt: () => Promise.resolve(null),
      uncommittedFiles: () => Promise.resolve(0),
      planBranch: async ({ slugs, shortId }) => {
        await work();
        return answer(this.#plan(slugs.join('/'), shortId));
      },
      prepare: async (request) => {
        await work();
        return answer(this.#prepare(world, request));
      },
      verifyRegistered: (path) => Promise.resolve(this.worktrees.has(path)),
      seal: async (request) => {
        await work();
        return answer(this.#seal(world, request));
      },
      diff: async ({ to }) => {
        await work();
        return {
          patch: this.#patches.get(to) ?? '',
          patchBytes: new Uint8Array(),
          stat: '',
          files: this.#files.get(to) ?? [],
          truncated: false,
        };
      },
      liveDiff: async () => ({ patch: '', truncated: false }),
      cleanup: async ({ worktreePath }) => {
        await work();
        world.witness.worktreeTouched(worktreePath, 'cleaned up');
        this.worktrees.delete(worktreePath);
        return answer({ kind: 'removed', rescueRef: null, ignored: [] });
      },
      restore: () => Promise.reject(new ConductorError('not_found', 'there is no rescue')),
      recover: async ({ worktreePath, branch }) => {
        await work();
        world.witness.worktreeTouched(worktreePath, 'recovered');
        const commit = this.worktrees.get(worktreePath)?.commit ?? commitId(branch);
        const added = !this.worktrees.has(worktreePath);
        this.worktrees.set(worktreePath, { branch, commit });
        return answer({ kind: 'recovered', worktreePath, branch, commit, added, removedLocks: [], movedAside: null });
      },
      listWorktrees: () => Promise.resolve([]),
    };
  }

  #plan(slug: string, shortId: string): { readonly branch: string; readonly worktreePath: string } {
    const name = this.#planned.has(slug) ? `${slug}-${shortId}` : slug;
    this.#planned.add(name);
    return { branch: `conductor/${name}`, worktreePath: `/worktrees/${name}` };
  }

  #prepare(world: World, request: PrepareRequest): PrepareResult {
    const { worktreePath, branch, base, runId } = request;
    world.witness.worktreeTouched(worktreePath, 'prepared');
    const refusal = this.#prepared.get(runId) ?? this.#refusalOf(world, request);
    if (refusal !== null) {
      this.#prepared.set(runId, refusal);
      return refusal === 'conflict'
        ? { kind: 'conflict', files: ['src/a.ts'], tasks: base.merge.map(({ task }) => task) }
        : { kind: 'refused', code: 'refused', message: 'a directory stands in its way' };
    }
    const before = this.worktrees.get(worktreePath);
    const baseCommit =
      request.continueWork && before !== undefined ? before.commit : commitId(JSON.stringify([base, branch]));
    this.worktrees.set(worktreePath, { branch, commit: baseCommit });
    if (before === undefined) world.files.marks.delete(worktreePath);
    return { kind: 'prepared', branch, worktreePath, baseCommit, fresh: before === undefined, quarantined: null };
  }

  #refusalOf(world: World, { base, continueWork }: PrepareRequest): 'conflict' | 'refused' | null {
    if (continueWork) return null;
    if (base.merge.length > 1 && world.happens('merge conflict', 0.15)) return 'conflict';
    return world.happens('worktree refused', 0.01) ? 'refused' : null;
  }

  #seal(world: World, request: SealRequest): SealResult {
    const { worktreePath, effectKey } = request;
    const done = this.#seals.get(effectKey);
    if (done !== undefined) return done;
    const worktree = this.worktrees.get(worktreePath);
    if (worktree === undefined) throw new ConductorError('refused', `${worktreePath} is not registered any more`);
    world.witness.worktreeTouched(worktreePath, 'sealed');
    const changedFiles = world.chance.int(0, 2);
    const baseCommit = request.baseCommit ?? worktree.commit;
    const commit = changedFiles === 0 ? baseCommit : commitId(`${effectKey} ${worktree.commit}`);
    worktree.commit = commit;
    if (changedFiles > 0) {
      this.#patches.set(commit, [...(this.#written.get(request.runId) ?? [])].join('\n'));
      const stays = world.chance.is(0.9);
      this.#files.set(commit, stays ? FILES.filter((file) => file.startsWith('src/')) : FILES);
    }
    const sealed = {
      commit,
      baseCommit,
      changedFiles,
      committed: changedFiles > 0,
      nestedRepositories: [],
      keptRef: null,
    };
    this.#seals.set(effectKey, sealed);
    return sealed;
  }
}
