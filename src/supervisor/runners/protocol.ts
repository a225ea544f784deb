/**
 * What supervisor, runner and child say to each other. JSON-RPC 2.0 with Content-Length frames, over unix sockets.
 *
 * A runner connects to the socket that supervisor.json names; a child to its runner's socket. Every report is in the runner's
 * spool, fsynced, before it is sent or answered.
 *
 * W1. A report has one place: `(run, epoch, seq)`. Sent again it is answered `repeat` and changes nothing.
 * W2. `applied` and `rejected` are the supervisor's word; `stored` means that it was away and will be told.
 *
 * Plain types: the runner's bundle holds neither typebox nor xstate.
 */

/** This build's protocol; it also speaks the one before. */
export const PROTOCOL = 1;
export const PROTOCOL_OLDEST = 1;
/** Largest frame from a client or runner, and from a child, in bytes. */
export const CLIENT_FRAME_BYTES_MAX = 1_048_576;
export const CHILD_FRAME_BYTES_MAX = 65_536;
/** How often a runner says that it lives, in ms. */
export const HEARTBEAT_MS = 5_000;

export type WireIdentity = {
  readonly hostId: string;
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: string;
};

export type CompletionStatus = 'succeeded' | 'partial' | 'blocked' | 'failed' | 'aborted';

/** Where a child's file was copied to inside the run's artifacts directory (a name, never a path). */
export type ReportedArtifact = { readonly type: string; readonly name: string; readonly bytes: number };

export type ReportBody =
  | {
      readonly kind: 'child.progress';
      readonly text: string;
      readonly key: string | null;
      readonly artifacts: readonly ReportedArtifact[];
    }
  | {
      readonly kind: 'child.gate';
      readonly gateType: 'needs_input' | 'needs_review';
      readonly ask: string;
      readonly wait: boolean;
    }
  | {
      readonly kind: 'child.followup';
      readonly title: string;
      readonly command: readonly string[];
      readonly key: string | null;
    }
  | {
      readonly kind: 'child.complete';
      readonly status: CompletionStatus;
      readonly summary: string;
      readonly key: string | null;
      readonly artifacts: readonly ReportedArtifact[];
    }
  | { readonly kind: 'limit.warned'; readonly limit: 'idle' | 'time' }
  | { readonly kind: 'limit.exceeded'; readonly limit: 'idle' | 'time' }
  | { readonly kind: 'setup.failed'; readonly message: string }
  | { readonly kind: 'agent.started'; readonly identity: WireIdentity; readonly pgid: number; readonly sid: number }
  | {
      readonly kind: 'agent.exited';
      readonly code: number | null;
      readonly signal: string | null;
      readonly spawnError: string | null;
    }
  | {
      readonly kind: 'verification.finished';
      readonly key: string;
      readonly ok: boolean;
      readonly message: string;
      readonly results: readonly CommandResult[];
    };

/** One line of the spool. */
export type SpoolEntry = { readonly seq: number; readonly at: number; readonly body: ReportBody };

export type CommandResult = {
  readonly command: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly durationMs: number;
  /** Last bytes of its output, at most 4,096. */
  readonly tail: string;
};

export type ReportResult =
  | { readonly result: 'applied'; readonly seq: number; readonly gate?: GateAnswer | null }
  | { readonly result: 'repeat'; readonly seq: number; readonly gate?: GateAnswer | null }
  | { readonly result: 'rejected'; readonly seq: number; readonly reason: string; readonly state: string | null };

export type GateAnswer = {
  readonly gateId: string;
  readonly state: string;
  readonly decision: string | null;
  readonly answer: string | null;
};

/** Runner → supervisor. Every call names the run, the epoch, the instance made at birth, and the contract's token. */
export type RunnerAddress = {
  readonly runId: string;
  readonly epoch: number;
  readonly instance: string;
  readonly token: string;
};

export type RunnerReady = RunnerAddress & {
  readonly protocol: number;
  readonly version: string;
  readonly identity: WireIdentity;
  /** Highest seq in its spool. */
  readonly spoolSeq: number;
  /**
   * Values of granted and secret variables that its run was given: a supervisor that began later knows them from here alone. Kept in
   * memory. Absent: a runner of a version that does not tell.
   */
  readonly secrets?: readonly string[];
};
/** `granted` is sent only after it is committed; `appliedSeq` is the highest report the supervisor has. */
export type ReadyAnswer =
  | { readonly kind: 'granted'; readonly appliedSeq: number }
  | { readonly kind: 'denied'; readonly reason: string };

/** Answered with one ReportResult per entry, as a list in order. */
export type RunnerReport = RunnerAddress & { readonly entries: readonly SpoolEntry[] };
/** One result per entry, in their order. A supervisor that cannot take them answers an error; they are sent again later. */
export type ReportAnswer = readonly ReportResult[];

export type Heartbeat = RunnerAddress & {
  readonly identity: WireIdentity;
  readonly agent: { readonly identity: WireIdentity; readonly pgid: number; readonly sid: number } | null;
  /** Ms since the agent's last output or report. */
  readonly idleMs: number;
  readonly outputBytes: number;
  readonly phase: RunnerPhase;
};
export type RunnerPhase = 'waiting' | 'setup' | 'agent' | 'ended' | 'verifying' | 'finishing';

/** Methods a runner calls on the supervisor. All are requests (they have an id); the result of `heartbeat` is not looked at. */
export const RUNNER_CALLS = { ready: 'runner/ready', report: 'runner/report', heartbeat: 'runner/heartbeat' } as const;

/** Methods the supervisor calls on a runner. Each is idempotent by its key. */
export const INSTRUCTIONS = {
  /** End the agent: SIGTERM to its group, SIGKILL after graceMs. Answers when the group is gone. */
  endAgent: 'runner/end-agent',
  /** Run the verify commands; answers at once, the outcome is a report. */
  verify: 'runner/verify',
  /** The answer of a gate, for the child that waits. */
  answer: 'runner/answer',
  /** Write the exit record and leave. */
  finish: 'runner/finish',
} as const;
export type EndAgent = { readonly key: string; readonly graceMs: number };
export type EndAgentResult = { readonly ended: boolean; readonly code: number | null; readonly signal: string | null };
export type Verify = {
  readonly key: string;
  readonly commit: string;
  readonly commands: readonly (string | readonly string[])[];
  readonly timeoutMs: number;
};
export type AnswerInstruction = { readonly gateId: string; readonly decision: string; readonly answer: string };
export type AnswerResult = { readonly delivered: boolean };
export type Finish = { readonly graceMs: number };

/** Methods a child (or a viewer) calls on the runner's socket. */
export const CHILD_CALLS = {
  report: 'child/report',
  attach: 'viewer/attach',
  input: 'viewer/input',
  resize: 'viewer/resize',
  detach: 'viewer/detach',
} as const;
/** A file a child shows as evidence; absolute path. The runner copies it and puts what came of it into the report. */
export type ShownFile = { readonly type: string; readonly path: string };
export type ChildReport = {
  readonly cookie: string;
  /** One of the `child.…` kinds; its `artifacts` come from the runner, whatever the child wrote there. */
  readonly body: ReportBody;
  readonly files?: readonly ShownFile[];
  /** Longest wait for a gate's answer in ms; null or absent: without limit. */
  readonly waitMs?: number | null;
};
export type ChildAnswer = {
  readonly applied: true | false | 'stored';
  readonly reason?: string;
  readonly gate?: GateAnswer | null;
};

/** `ticket` is `viewerTicket(token)` of token.ts. `cols` and `rows` count for a writer only. */
export type Attach = {
  readonly ticket: string;
  readonly write?: boolean;
  readonly cols?: number;
  readonly rows?: number;
};
export type AttachAnswer = {
  readonly mode: 'headless' | 'pty';
  /** False when the terminal takes no input (headless, or the agent has ended). */
  readonly writable: boolean;
  readonly cols: number;
  readonly rows: number;
  /** The last 64 KiB of output, base64. */
  readonly tail: string;
};
/** `data` is base64. */
export type ViewerInput = { readonly data: string };
export type ViewerResize = { readonly cols: number; readonly rows: number };

/** Notifications from the runner to a viewer. */
export const VIEWER_NEWS = { output: 'viewer/output', resized: 'viewer/resized', ended: 'viewer/ended' } as const;
/** `data` is base64. */
export type ViewerOutput = { readonly data: string };
/** `reason`: `agent_exited`, or `too_slow` when more than 4 MiB were unread. */
export type ViewerEnded = { readonly reason: string };

/** The runner's last word, `exit.json`: written whole before it leaves. */
export type ExitRecord = {
  readonly runId: string;
  readonly epoch: number;
  readonly instance: string;
  readonly at: number;
  readonly lastSeq: number;
  readonly agent: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly spawnError: string | null;
  } | null;
};

/** `<epoch>.agent`: who was about to be executed. */
export type AgentRecord = {
  readonly runId: string;
  readonly epoch: number;
  readonly instance: string;
  readonly at: number;
  readonly runner: WireIdentity;
  readonly agent: WireIdentity;
  readonly pgid: number;
  readonly sid: number;
};

/** `supervisor.json`: facts for clients and runners, never a lock. */
export type SupervisorFile = {
  readonly identity: WireIdentity;
  readonly socket: string;
  readonly version: string;
  readonly protocol: number;
  readonly epoch: number;
  readonly startedAt: number;
  readonly home: string;
  readonly repoRoot: string;
  readonly projectKey: string;
};
