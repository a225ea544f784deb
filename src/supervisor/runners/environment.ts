/**
 * What a run's processes find in their environment: composed when the run is dispatched, denied by default. Pure.
 *
 * E1. A variable is there because it is in `ALLOWED_NAMES`, was granted by the user's configuration, was written in the task,
 *     or is one of Conductor's own. Nothing else passes.
 * E2. `isRemovedName` wins over the allow-list and every grant, but not over Conductor's own.
 * E3. A granted name without a value is in `missing`; the caller starts nothing then.
 * E4. Values are in the result only: never in the contract, the journal or the spool.
 */
import type { RunnerContract } from './contract.ts';
import { RUN_FILES } from './contract.ts';

/** Names that pass when they have a value. API keys are here because agents are what runs here. */
export const ALLOWED_NAMES: readonly string[] = [
  'PATH HOME SHELL TMPDIR LANG LC_ALL LC_CTYPE TERM USER LOGNAME TZ PI_CODING_AGENT_DIR',
  'ANTHROPIC_API_KEY OPENAI_API_KEY OPENROUTER_API_KEY GOOGLE_API_KEY GEMINI_API_KEY GROQ_API_KEY MISTRAL_API_KEY XAI_API_KEY',
  'AZURE_OPENAI_API_KEY AZURE_OPENAI_ENDPOINT AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN',
  'SSH_AUTH_SOCK SSH_AGENT_PID GH_TOKEN GITHUB_TOKEN GIT_ASKPASS GIT_SSH_COMMAND',
  'HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR NODE_EXTRA_CA_CERTS',
].flatMap((line) => line.split(' '));

/** Allowed names whose values are secrets by nature: redacted like granted ones. */
export const SECRET_ALLOWED_NAMES: readonly string[] = ALLOWED_NAMES.filter((name) =>
  /_API_KEY$|_TOKEN$|_SECRET_ACCESS_KEY$/.test(name),
);

/** Git in a run starts no housekeeping of its own: it would work on the objects that all worktrees share. */
const GIT_SETTINGS: readonly (readonly [string, string])[] = [
  ['gc.auto', '0'],
  ['maintenance.auto', 'false'],
];

export type EnvironmentRequest = {
  readonly contract: RunnerContract;
  /** The supervisor's own environment. */
  readonly own: Readonly<Record<string, string | undefined>>;
  /** Values that the client which asked for the run sent; they win over `own`. */
  readonly sent: Readonly<Record<string, string | undefined>>;
  /** Names that the user's configuration grants. */
  readonly grantedNames: readonly string[];
  /** The task's `env`. Its CONDUCTOR_* names were refused with the plan and are left out here too. */
  readonly taskEnv: Readonly<Record<string, string>>;
};

export type ComposedEnvironment = {
  readonly env: Record<string, string>;
  /** Granted names that have no value anywhere, sorted. */
  readonly missing: readonly string[];
};

/** Names that never pass, whoever asks: they change what a program loads or which repository git works on. */
export const isRemovedName = (name: string): boolean =>
  !ALLOWED_NAMES.includes(name) &&
  /^(?:NODE_OPTIONS$|NODE_PATH$|LD_|DYLD_|GIT_|npm_|CONDUCTOR_|PI_CONDUCTOR_)/.test(name);

/** The run's environment, and what is missing for it (E1 to E3). */
export const composeRunEnvironment = (request: EnvironmentRequest): ComposedEnvironment => {
  const { contract, own, sent, grantedNames, taskEnv } = request;
  const valueOf = (name: string): string | undefined => sent[name] ?? own[name];
  const env: Record<string, string> = {};
  const xdg = [...Object.keys(own), ...Object.keys(sent)].filter((name) => /^XDG_[A-Z_]+$/.test(name));
  const granted = grantedNames.filter((name) => !isRemovedName(name));
  for (const name of [...ALLOWED_NAMES, ...xdg, ...granted]) {
    const value = valueOf(name);
    if (value !== undefined && !value.includes('\0')) env[name] = value;
  }
  for (const [name, value] of Object.entries(taskEnv)) if (!isRemovedName(name)) env[name] = value;
  const missing = granted.filter((name) => env[name] === undefined).toSorted();
  return { env: { ...env, ...conductorVariables(contract, env['PATH']) }, missing };
};

/** What is always set, from the contract alone. */
const conductorVariables = (contract: RunnerContract, path: string | undefined): Record<string, string> => ({
  PATH: `${contract.runDirectory}/${RUN_FILES.bin}:${path ?? '/usr/local/bin:/usr/bin:/bin'}`,
  CONDUCTOR_HOME: contract.home,
  CONDUCTOR_RUN_ID: contract.runId,
  CONDUCTOR_TASK_ID: contract.taskId,
  CONDUCTOR_EPOCH: String(contract.epoch),
  CONDUCTOR_CONTRACT: `${contract.runDirectory}/${RUN_FILES.contract(contract.epoch)}`,
  CONDUCTOR_SOCKET: contract.socketPath,
  CONDUCTOR_REPO_ROOT: contract.repoRoot,
  CONDUCTOR_ARTIFACTS: contract.artifactsDirectory,
  CONDUCTOR_COOKIE: contract.cookie,
  ...(contract.promptFile === null ? {} : { CONDUCTOR_PROMPT_FILE: contract.promptFile }),
  ...(contract.dependenciesFile === null ? {} : { CONDUCTOR_DEPENDENCIES: contract.dependenciesFile }),
  GIT_CONFIG_COUNT: String(GIT_SETTINGS.length),
  ...Object.fromEntries(
    GIT_SETTINGS.flatMap(([key, value], index) => [
      [`GIT_CONFIG_KEY_${String(index)}`, key],
      [`GIT_CONFIG_VALUE_${String(index)}`, value],
    ]),
  ),
});

/**
 * The program `conductor` of one run, as a shell script: exactly this Node and this version, whatever PATH holds elsewhere.
 * `conductor child …` goes straight to the child program, which lies beside the launcher and starts in half the time.
 *
 * @param nodePath Absolute path of the Node binary.
 * @param launcherPath Absolute path of `conductor.mjs`.
 */
export const childShim = (nodePath: string, launcherPath: string): string => {
  const childPath = launcherPath.replace(/[^/]*$/, 'child.cjs');
  return [
    '#!/bin/sh',
    `if [ "$1" = child ]; then shift; exec ${quote(nodePath)} ${quote(childPath)} "$@"; fi`,
    `exec ${quote(nodePath)} ${quote(launcherPath)} "$@"`,
    '',
  ].join('\n');
};

/** A word for sh(1): single quotes keep everything but themselves. */
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
