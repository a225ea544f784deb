/**
 * What is in force: the user's configuration over the repository's over what is built in. Plan and task are laid over it by
 * whoever makes a task.
 *
 * C1. A repository that nobody trusted may lower limits, and nothing else: its commands do not run, its names are not granted.
 *     Which of git's filter programs run is never the repository's to say, trusted or not.
 * C2. What the repository asks for and does not get is listed, with the way to allow it.
 * C3. The repository's file is read from a commit, never from a worktree that an agent can write to.
 * C4. A broken file of the user is an error; a broken file of the repository is not in force.
 */
import { isConductorError } from '../machines/errors.ts';
import { sha256 } from '../supervisor/specs/canonical-json.ts';
import { TASK_DEFAULTS } from '../supervisor/specs/task-spec.ts';
import {
  parseConfiguration,
  REPOSITORY_CONFIGURATION,
  type ConfigurationFile,
  type ConfigurationKey,
} from './configuration-file.ts';
import { PLAN_LIMITS } from './plan/plan-schema.ts';

/** `worktreesDir: null` = `<repository>.worktrees`. Units are in the names; 0 = no limit where ms. */
export type Configuration = Required<Omit<ConfigurationFile, 'worktreesDir'>> & {
  readonly worktreesDir: string | null;
};

export const BUILT_IN_CONFIGURATION: Configuration = {
  setup: [],
  verify: [],
  maxConcurrency: PLAN_LIMITS.concurrencyDefault,
  projectMax: 16,
  timeoutMs: TASK_DEFAULTS.timeoutMs,
  idleMs: TASK_DEFAULTS.idleMs,
  logBytesMax: 16 * 1_048_576,
  worktreesDir: null,
  env: [],
  branchPrefix: 'conductor',
  gitFilters: [],
  retainDays: 90,
  /** 15 minutes. */
  idleExitMs: 900_000,
};

export type NotInForce = { readonly key: string; readonly why: string };
export type Layer = 'built in' | 'repository' | 'user';

export type EffectiveConfiguration = {
  readonly values: Configuration;
  readonly from: Readonly<Record<ConfigurationKey, Layer>>;
  readonly notInForce: readonly NotInForce[];
  /** The repository's file at that commit: its content hash and whether it is trusted; null when there is none. */
  readonly repository: { readonly hash: string; readonly trusted: boolean } | null;
};

/** Limits: the keys that an untrusted repository may lower. 0 means «no limit», the highest of all. */
const LIMIT_KEYS: readonly ConfigurationKey[] = ['maxConcurrency', 'projectMax', 'timeoutMs', 'idleMs', 'logBytesMax'];
const OFF_IS_ZERO: readonly ConfigurationKey[] = ['timeoutMs', 'idleMs'];

/** Filter drivers that the repository asks for and the user did not name. */
const ungrantedFilters = (user: ConfigurationFile, repository: ConfigurationFile): readonly NotInForce[] => {
  const names = (repository.gitFilters ?? []).filter((name) => !(user.gitFilters ?? []).includes(name));
  if (names.length === 0) return [];
  return [
    { key: 'gitFilters', why: `only your own configuration may allow programs: gitFilters: [${names.join(', ')}]` },
  ];
};

const lowers = (key: ConfigurationKey, wanted: unknown, built: unknown): boolean => {
  if (typeof wanted !== 'number' || typeof built !== 'number' || !LIMIT_KEYS.includes(key)) return false;
  const height = (value: number): number => (value === 0 && OFF_IS_ZERO.includes(key) ? Infinity : value);
  return height(wanted) <= height(built);
};

/** Lays the files over what is built in. Names in `env` are joined: a repository adds to what the user grants. */
export const layConfiguration = (
  user: ConfigurationFile,
  repository: ConfigurationFile,
  trusted: boolean,
): Omit<EffectiveConfiguration, 'repository'> => {
  const values: Record<string, unknown> = { ...BUILT_IN_CONFIGURATION };
  const from = Object.fromEntries(Object.keys(BUILT_IN_CONFIGURATION).map((key) => [key, 'built in'])) as Record<
    ConfigurationKey,
    Layer
  >;
  const notInForce: NotInForce[] = [];
  for (const [name, wanted] of Object.entries(repository)) {
    const key = name as ConfigurationKey;
    if (key === 'gitFilters') {
      notInForce.push(...ungrantedFilters(user, repository));
    } else if (trusted || lowers(key, wanted, BUILT_IN_CONFIGURATION[key])) {
      values[key] = wanted;
      from[key] = 'repository';
    } else if (user[key] === undefined || key === 'env') {
      notInForce.push({ key, why: 'the repository asks for it and is not trusted: conductor trust' });
    }
  }
  for (const [name, wanted] of Object.entries(user)) {
    const key = name as ConfigurationKey;
    values[key] = key === 'env' ? [...new Set([...(values['env'] as string[]), ...(wanted as string[])])] : wanted;
    from[key] = 'user';
  }
  return { values: values as Configuration, from, notInForce };
};

export interface ConfigurationSource {
  /** What is in force for work that starts from this commit; null: without the repository's file. */
  at(commit: string | null): Promise<EffectiveConfiguration>;
  /** The repository's file at a commit, for a human who is asked to trust it. */
  repositoryFile(commit: string): Promise<{ readonly text: string; readonly hash: string } | null>;
}

export type ConfigurationParts = {
  /** Text and path of the user's file; null when there is none. */
  readonly userFile: () => Promise<{ readonly text: string; readonly path: string } | null>;
  /** Text of a file in a commit; null when the commit does not have it. */
  readonly fileAt: (commit: string, path: string) => Promise<string | null>;
  readonly isTrusted: (hash: string) => Promise<boolean>;
};

/** Reads the files anew every time: they are small, and what a person just wrote counts at once. */
export const createConfigurationSource = (parts: ConfigurationParts): ConfigurationSource => {
  const repositoryFile = async (commit: string) => {
    const text = await parts.fileAt(commit, REPOSITORY_CONFIGURATION);
    return text === null ? null : { text, hash: sha256(text) };
  };
  return {
    repositoryFile,
    at: async (commit) => {
      const userFile = await parts.userFile();
      const user = userFile === null ? {} : parseConfiguration(userFile.text, userFile.path);
      const file = commit === null ? null : await repositoryFile(commit);
      if (file === null) return { ...layConfiguration(user, {}, false), repository: null };
      const trusted = await parts.isTrusted(file.hash);
      const read = readRepository(file.text);
      const laid = layConfiguration(user, read.values, trusted);
      return {
        ...laid,
        notInForce: read.broken === null ? laid.notInForce : [{ key: REPOSITORY_CONFIGURATION, why: read.broken }],
        repository: { hash: file.hash, trusted },
      };
    },
  };
};

/** C4: work does not stop because a file that may not even be trusted is broken. */
const readRepository = (text: string): { readonly values: ConfigurationFile; readonly broken: string | null } => {
  try {
    return { values: parseConfiguration(text, REPOSITORY_CONFIGURATION), broken: null };
  } catch (error) {
    if (!isConductorError(error, 'invalid_params')) throw error;
    return { values: {}, broken: error.message.split('\n')[0]! };
  }
};
