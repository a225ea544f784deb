/**
 * What the page and its server say to each other. Types, numbers and texts to sign only: the page is built from this file too.
 *
 *     link ─▶ session (its secret is said once, here) … greet {name, nonce} ─▶ proof ─▶ pass ─▶ requests, hellos
 *
 * W1. Nothing but `POST /api/session`, `POST /api/greet` and the page's own files is answered without a pass.
 * W2. A feed is a stretch of the journal without gap or repeat; `resync` ends it, and the page reads anew.
 * W3. The secret of a session is never said again: another program may listen at the port while the supervisor is away. Whoever answers
 *     proves that it knows the secret; only then it gets a pass, which counts for as long as this server listens and for no other.
 */
import type { ErrorCode } from '../../machines/errors.ts';
import type { EventItem } from '../../operations/read-models/item-schemas.ts';
import type { Overview, OverviewItems } from '../../operations/read-models/overview.ts';

/** Header of every request with a session: its pass. Never a cookie: those of 127.0.0.1 reach every other local port. */
export const PASS_HEADER = 'x-conductor-pass';

export const API = {
  /** POST SessionRequest → SessionAnswer. */
  session: '/api/session',
  /** POST GreetRequest → GreetAnswer. */
  greet: '/api/greet',
  /** POST CallRequest → CallAnswer. */
  call: '/api/call',
  /** POST {gateId} → ApprovalChallenge. */
  challenge: '/api/challenge',
  /** GET ?runId&from&max → at most PIECE_BYTES_MAX bytes; headers LOG_HEADERS. `from` < 0 counts from the end. */
  log: '/api/log',
  /** GET ?runId&from&max → bytes of the recording (asciicast v2) as of the log. 404 for a run without a terminal. */
  recording: '/api/recording',
  /** WebSocket: ClientHello, then ServerMessage. */
  feed: '/api/feed',
  /** WebSocket: TerminalHello, then binary frames (bytes of the terminal) and TerminalMessage as text. */
  terminal: '/api/terminal',
} as const;

/** Bytes of a log or a recording in one answer. */
export const PIECE_BYTES_MAX = 262_144;
export const LOG_HEADERS = { from: 'x-log-from', to: 'x-log-to', size: 'x-log-size' } as const;

/** A link counts for two minutes and once, in ms. */
export const LINK_MS = 120_000;
/** Entries of one message of the feed, and how long the first waits for others, in ms. */
export const BATCH_ENTRIES_MAX = 100;
export const BATCH_MS = 50;
/**
 * How far apart batches are that only say how far runs are, in ms: fifty agents that report every second would cost a message each
 * 50 ms, which is most of what an open page costs the supervisor.
 */
export const PROGRESS_MS = 1_000;
/** Unsent bytes of one page above which it is told to read anew. */
export const UNSENT_BYTES_MAX = 2 ** 20;
/** How often live runs are reported, in ms; half as often when it has just gone along with something else. */
export const PULSE_MS = 2_000;
/** Characters of a gate's id that a person types to approve. */
export const CONFIRM_CHARACTERS = 6;

export type ApiError = {
  readonly error: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly retryable: boolean;
    readonly details: Readonly<Record<string, unknown>>;
  };
};

/** `link`: what stood in the fragment of the address. */
export type SessionRequest = { readonly link: string };
export type ProjectFacts = {
  readonly key: string;
  readonly repoRoot: string;
  /** Last part of `repoRoot`, for titles. */
  readonly name: string;
  readonly version: string;
  /** Ms since 1970. */
  readonly startedAt: number;
  readonly epoch: number;
};
/** `session`: `<name>.<key>`; the name says which session it is, the key is known to the page and its supervisor alone. */
export type SessionAnswer = { readonly session: string; readonly project: ProjectFacts };

/** `nonce`: 22 to 64 characters of base64url, used once. */
export type GreetRequest = { readonly name: string; readonly nonce: string };
/** `instance`: of this server, until it listens no more. `isOver`: the session counts no more. */
export type GreetAnswer = { readonly instance: string; readonly isOver: boolean; readonly proof: string };

/** What is signed with a session's key: HMAC-SHA-256, base64url. Each text has a beginning of its own. */
export const SIGNED = {
  /** By the server: that it knows the key, now, and what it says. */
  greeting: (nonce: string, { instance, isOver }: Omit<GreetAnswer, 'proof'>): string =>
    `greeting/${nonce}/${instance}/${isOver ? 'over' : 'counts'}`,
  /** By the server: that it is at the other end of this socket. */
  welcome: (nonce: string): string => `welcome/${nonce}`,
  /** By the page. `<name>.<signature>` is its pass. */
  pass: (instance: string): string => `pass/${instance}`,
} as const;

/** A session calls as the human that opened the page. */
export type CallRequest = {
  readonly operation: string;
  readonly params: unknown;
  /** For an operation that changes something: made once per intent, the same for a repeat. */
  readonly requestId?: string;
  /** To approve a gate: the challenge for it, and what the person typed. */
  readonly confirm?: { readonly nonce: string; readonly typed: string };
};
export type CallAnswer = {
  readonly content: readonly { readonly type: 'text'; readonly text: string }[];
  readonly details: unknown;
};
export type ApprovalChallenge = { readonly nonce: string; readonly gateId: string; readonly expiresAt: number };

/** The first message of a page on a socket. `nonce` as in GreetRequest. */
export type SocketHello = { readonly type: 'hello'; readonly pass: string; readonly nonce: string };
/** The first answer. A page believes nothing before it. */
export type Welcome = { readonly type: 'welcome'; readonly proof: string };

/** Whose entries a page is sent: of these, an objective's with all in it; null: everybody's. What changed is told in any case. */
export type Watched = readonly string[] | null;
/** Things that a page watches at a time. */
export const WATCHED_MAX = 16;

/** `after` null: a snapshot first; else entries after this number, or `resync` when that is too long ago. `watch`: without it null. */
export type ClientHello = SocketHello & { readonly after: number | null; readonly watch?: Watched };
/** After the hello, as often as the page shows something else. */
export type ClientWatch = { readonly type: 'watch'; readonly watch: Watched };

export type ServerMessage =
  | Welcome
  /** The project at `overview.seq`; entries after it follow. */
  | { readonly type: 'snapshot'; readonly project: ProjectFacts; readonly overview: Overview }
  /** What happened up to `lastSeq`, which was written at `lastAt`. */
  | {
      readonly type: 'changes';
      readonly lastSeq: number;
      readonly lastAt: number;
      /** `entries` are all of these, in order, without their patches. */
      readonly watch: Watched;
      readonly entries: readonly FeedEntry[];
      /** What was changed, as it stands at `lastSeq` or later. */
      readonly items: OverviewItems;
      /** The last word of each run that said how far it is and of its task, where that is all that changed. */
      readonly progress: readonly ProgressNote[];
      /** Null: not due. */
      readonly pulse: Pulse | null;
    }
  /** Where nothing is told with which it could go. */
  | ({ readonly type: 'pulse' } & Pulse)
  /** The page fell behind; it says hello with `after: null`. */
  | { readonly type: 'resync' }
  /** The supervisor goes; the page tries again until one is there. */
  | { readonly type: 'stopping' };

export type FeedEntry = Omit<EventItem, 'patch'>;

/** `id`: of a run or a task. `taskId`: of the run's task, when the same was noted of it. `at`: ms since 1970. */
export type ProgressNote = {
  readonly id: string;
  readonly taskId: string | null;
  readonly text: string;
  readonly at: number;
};

/** Live facts of running runs at this time, ms since 1970. */
export type Pulse = { readonly at: number; readonly runs: readonly RunPulse[] };

/** Times in ms, sizes in bytes; usage of all processes of the run, null while it is not known. */
export type RunPulse = {
  readonly runId: string;
  readonly phase: string | null;
  readonly idleMs: number;
  readonly outputBytes: number;
  readonly connected: boolean;
  readonly memoryBytes: number | null;
  /** Of one processor. */
  readonly cpuPercent: number | null;
};

export type TerminalHello = SocketHello & { readonly runId: string };
export type TerminalMessage =
  | Welcome
  | { readonly type: 'size'; readonly cols: number; readonly rows: number }
  /** Nothing more comes: the run ended, the runner is away, or the page was too slow. */
  | { readonly type: 'end'; readonly reason: string };
