/**
 * What a runner is told before it starts: `contract.json` in the run's directory, 0600, written whole and the same for every
 * repeat of one epoch.
 *
 * T1. No value of an environment variable is in it: values reach the runner as its own environment, in memory only.
 * T2. `token` is HMAC-SHA-256(project secret, `<runId>/<epoch>`): only a contract's holder can speak for that epoch.
 *
 * Plain types: the runner's bundle holds neither typebox nor xstate.
 */

/** `string` is run by `/bin/sh -c`; a list is argv without a shell. */
export type CommandLine = string | readonly string[];

export type RunnerContract = {
  readonly schemaVersion: 1;
  /** Protocol the supervisor spoke when it wrote this. */
  readonly protocol: number;
  /** Version of Conductor that wrote it. */
  readonly version: string;
  readonly projectKey: string;
  /** Of the machine that this was written on, where the runner is too; absent: it finds out by itself. */
  readonly hostId?: string;
  readonly runId: string;
  readonly taskId: string;
  readonly epoch: number;
  readonly token: string;
  /** `<projectKey>/<runId>/<epoch>`: carried by everything the run starts, as CONDUCTOR_COOKIE. */
  readonly cookie: string;
  readonly home: string;
  readonly repoRoot: string;
  readonly runDirectory: string;
  readonly worktreePath: string;
  /** Path of supervisor.json, read anew at every try to connect. */
  readonly supervisorFile: string;
  /** The runner's own socket, for children and viewers; ≤ 103 bytes. */
  readonly socketPath: string;
  /** Commands before the agent; empty when the worktree needs none. */
  readonly setup: readonly CommandLine[];
  /** Limit of the whole setup in ms. */
  readonly setupMs: number;
  /** null: the agent's completion is known; only verification is left. */
  readonly agent: { readonly kind: 'command'; readonly command: CommandLine } | null;
  readonly promptFile: string | null;
  readonly completion: 'explicit' | 'exit-code';
  readonly runtimeMode: 'headless' | 'pty' | 'viewer';
  /** 0 = no limit. */
  readonly timeoutMs: number;
  readonly idleMs: number;
  /** Largest size of one log file in bytes; four are kept. */
  readonly logBytesMax: number;
  /** Names of granted variables: their values are redacted everywhere. */
  readonly secretNames: readonly string[];
  /** Some of them had a value; once true for an epoch it stays. Absent: written by a version that did not say. */
  readonly hides?: boolean;
  /** Files whose contents are redacted too. */
  readonly secretFiles: readonly string[];
  readonly dependenciesFile: string | null;
  readonly artifactsDirectory: string;
  readonly mayFollowUp: boolean;
  /** umask of everything the run starts; 0o022 when absent. The supervisor's own 0o077 would show in the worktree's files. */
  readonly umask?: number;
  /** How often the runner says that it lives, in ms. */
  readonly heartbeatMs: number;
};

/** First argument of a runner that has no contract yet; the second says where its runs are, the third names its own cgroup. */
export const WARM = '--warm';

/** What such a runner reads as its input, as JSON. Values of the environment stay in memory this way too (T1). */
export type Assignment = {
  /** Path of the contract, in the run's directory. */
  readonly contract: string;
  readonly env: Readonly<Record<string, string>>;
};

/** Names of the files in a run's directory; `epoch` tells runners of one run apart. */
export const RUN_FILES = {
  contract: (epoch: number): string => (epoch === 1 ? 'contract.json' : `contract.${String(epoch)}.json`),
  /** Created by link() right before the agent is executed: the line between «never ran» and «may have run». */
  agent: (epoch: number): string => `${String(epoch)}.agent`,
  /** Who was started for the epoch, then who holds its grant. */
  runner: (epoch: number): string => `${String(epoch)}.runner`,
  /** Path of the runner's own cgroup, where it was given one. */
  scope: (epoch: number): string => `${String(epoch)}.scope`,
  spool: (epoch: number): string => (epoch === 1 ? 'spool.ndjson' : `spool.${String(epoch)}.ndjson`),
  exit: (epoch: number): string => (epoch === 1 ? 'exit.json' : `exit.${String(epoch)}.json`),
  output: 'output.log',
  outputIndex: 'output.index',
  recording: 'recording.cast',
  runnerLog: 'runner.log',
  prompt: 'prompt.txt',
  dependencies: 'dependencies.json',
  artifacts: 'artifacts',
  bin: 'bin',
  /** For output and errors of the first program that is started; gone as soon as they are open. */
  pipes: ['.pipe-out', '.pipe-err'],
} as const;
