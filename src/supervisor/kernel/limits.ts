/**
 * Every bound of the kernel in one place, with its unit and its reason. `createKernel` takes overrides; tests lower them.
 */

export type KernelLimits = {
  /** Messages waiting from outside; what comes then is `overloaded`. */
  readonly mailboxMessagesMax: number;
  /** The same in bytes, so that 10,000 large messages cannot take the memory. */
  readonly mailboxBytesMax: number;
  /** One message as JSON. What is larger becomes an artifact first. */
  readonly messageBytesMax: number;
  readonly postMessagesMax: number;
  /** Posts of one commit: enough to share an fsync among 64 callers, few enough that a batch takes milliseconds. */
  readonly batchPostsMax: number;
  readonly batchMessagesMax: number;
  /** Tells that lead from one message to the next. A longer chain is a loop. */
  readonly cascadeDepthMax: number;
  /** Rows of relations told in one commit; the rest is a durable continuation. */
  readonly relationTellsMax: number;
  /** Journal entries of an actor between two full snapshots: bounds a step of time travel. */
  readonly keyframeEvery: number;
  /** A larger patch is stored as a full copy by its hash. */
  readonly patchBytesMax: number;
  /** Settled actors kept in memory. Unsettled ones always are. */
  readonly settledInMemoryMax: number;
  readonly requestKeptMs: number;
  readonly rejectedPerHourMax: number;
  /** Longest time between two looks at the clock: the wall clock may jump, and a machine may sleep. */
  readonly timerCheckMs: number;
  /** Timers fired in one commit. */
  readonly timersPerTickMax: number;
  readonly effectBackoffMs: number;
  readonly effectBackoffMaxMs: number;
  /** Tries in a row that ended in our own death before a row is parked. */
  readonly effectDeathsMax: number;
  /** Effects carried out at one time, by lane. Ending processes must never wait for starting them. */
  readonly laneMax: { readonly end: number; readonly start: number; readonly work: number };
  /** Wait before work of the kernel's own is tried again after the disk refused it. */
  readonly storeRetryMs: number;
  /** Check the events of tells against their schemas too. For tests: our own machines are trusted at run time. */
  readonly validateTells: boolean;
};

export const KERNEL_LIMITS: KernelLimits = {
  mailboxMessagesMax: 10_000,
  mailboxBytesMax: 32 * 1024 * 1024,
  messageBytesMax: 64 * 1024,
  postMessagesMax: 5_000,
  batchPostsMax: 256,
  batchMessagesMax: 1_000,
  cascadeDepthMax: 16,
  relationTellsMax: 256,
  keyframeEvery: 100,
  patchBytesMax: 16 * 1024,
  settledInMemoryMax: 1_000,
  requestKeptMs: 24 * 3_600_000,
  rejectedPerHourMax: 20,
  timerCheckMs: 60_000,
  timersPerTickMax: 256,
  effectBackoffMs: 1_000,
  effectBackoffMaxMs: 30_000,
  effectDeathsMax: 3,
  laneMax: { end: 16, start: 8, work: 8 },
  storeRetryMs: 1_000,
  validateTells: false,
};
