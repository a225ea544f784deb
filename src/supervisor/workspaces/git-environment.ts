/**
 * The environment and configuration under which the system's own git runs. Pure.
 *
 * E1. The environment is built from nothing: only what is listed here reaches git.
 * E2. Settings travel as `GIT_CONFIG_COUNT`/`KEY`/`VALUE`: they outrank every file, take any characters in a driver's
 *     name (`-c` cannot express `=`), and reach git's own children.
 * E3. `GIT_DIR`, `GIT_COMMON_DIR` and `GIT_WORK_TREE` are given, so neither a rewritten `.git` file, nor `commondir`,
 *     nor `core.worktree` can lead git elsewhere.
 */

/** Where a git command works: a git directory, the directory all worktrees share, and the files, if any. */
export type GitPlace = {
  readonly gitDir: string;
  readonly commonGitDir: string;
  readonly workTree: string | null;
};

export type GitIdentity = { readonly name: string; readonly email: string };

/** Used for commits of the system when git's configuration names nobody. */
export const fallbackIdentity: GitIdentity = { name: 'Conductor', email: 'conductor@localhost' };

export type GitSetting = readonly [key: string, value: string];

/** In force for every command. Each line switches off a program, a surprise, or background work. */
export const fixedSettings: readonly GitSetting[] = [
  ['core.hooksPath', '/dev/null'],
  ['core.fsmonitor', 'false'],
  ['protocol.ext.allow', 'never'],
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
  ['commit.gpgSign', 'false'],
  ['merge.verifySignatures', 'false'],
  ['merge.autoStash', 'false'],
  ['rerere.enabled', 'false'],
  ['submodule.recurse', 'false'],
  ['i18n.commitEncoding', 'UTF-8'],
  // A branch that the store knows about must survive a power cut; git's default leaves loose objects to the kernel.
  ['core.fsync', 'committed,reference'],
];

const passedNames = ['PATH', 'HOME', 'TMPDIR', 'XDG_CONFIG_HOME'] as const;

export type GitEnvironmentInput = {
  readonly place: GitPlace;
  readonly settings: readonly GitSetting[];
  /** Null: git's configuration has an identity of its own. */
  readonly identity: GitIdentity | null;
  /** The environment the supervisor runs under. */
  readonly outer: Readonly<Record<string, string | undefined>>;
};

export function gitEnvironment({ place, settings, identity, outer }: GitEnvironmentInput): Record<string, string> {
  const environment: Record<string, string> = {
    LC_ALL: 'C',
    LANG: 'C',
    GIT_DIR: place.gitDir,
    GIT_COMMON_DIR: place.commonGitDir,
    GIT_TERMINAL_PROMPT: '0',
    // Outranks `protocol.*.allow` of every file. No command here needs a transport; a partial clone would use one.
    GIT_ALLOW_PROTOCOL: 'none',
    GIT_NO_LAZY_FETCH: '1',
  };
  for (const name of passedNames) {
    const value = outer[name];
    if (value !== undefined) environment[name] = value;
  }
  if (place.workTree !== null) environment['GIT_WORK_TREE'] = place.workTree;
  if (identity !== null) {
    Object.assign(environment, {
      GIT_AUTHOR_NAME: identity.name,
      GIT_AUTHOR_EMAIL: identity.email,
      GIT_COMMITTER_NAME: identity.name,
      GIT_COMMITTER_EMAIL: identity.email,
    });
  }
  const all = [...fixedSettings, ...settings];
  environment['GIT_CONFIG_COUNT'] = String(all.length);
  for (const [index, [key, value]] of all.entries()) {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return environment;
}
