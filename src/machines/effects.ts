/**
 * Everything that machines ask the world for, in one table: parameters, lane, tries, and how a repeat finds out that it was
 * already done. The supervisor runs an effect only after the commit that holds it, at least once, in commit order per actor.
 *
 * F1. An effect carries ids and little else; its handler reads the committed state in the tick in which it acts.
 * F2. Its outcome is a message to the actor that asked. Giving up is the message `effect.failed`, which every machine handles.
 * F3. Lanes are served in the order of LANES: ending processes comes before starting them, starting before the rest.
 */
import { Type, type Static } from 'typebox';
import {
  closed,
  CommitSchema,
  eventSchema,
  GateIdSchema,
  LeaseEpochSchema,
  LineSchema,
  RunIdSchema,
  TextSchema,
  WorkerIdSchema,
} from './schema.ts';

export const LANES = ['end', 'start', 'work'] as const;
export type Lane = (typeof LANES)[number];

const runAndEpoch = { runId: RunIdSchema, epoch: LeaseEpochSchema };

export const EFFECT_SCHEMAS = {
  /** Make or move the worktree to the run's base. Outcome: `workspace.prepared | .conflicted | .refused` to the run. */
  prepareWorkspace: closed({ runId: RunIdSchema, workerId: WorkerIdSchema }),
  /** Start a runner process for this epoch. Outcome: the runner's own `runner.ready`. */
  startRunner: closed(runAndEpoch),
  /** Ask the runner to end the agent (10 s to leave), then commit what changed. Outcome: `work.sealed`. */
  sealWork: closed(runAndEpoch),
  /** Ask the runner to verify exactly this commit. Outcome: the runner's own `verification.finished`. */
  verifyWork: closed({ ...runAndEpoch, commit: CommitSchema }),
  /** Give a gate's answer to the runner. Outcome: `answer.delivered`. */
  deliverAnswer: closed({ runId: RunIdSchema, gateId: GateIdSchema, decision: Type.String(), answer: TextSchema }),
  /** End everything a lost epoch left behind. Outcome: `epoch.swept`. */
  sweepEpoch: closed(runAndEpoch),
  /** End agent, strays and runner, copy the evidence. Outcome: `runner.ended`. */
  finishRun: closed(runAndEpoch),
  /** Make a worktree for a worker that no run waits for. Outcome: `worker.prepared | worker.refused`. */
  createWorktree: closed({ workerId: WorkerIdSchema }),
  /** Bring a lost or damaged worktree back from its branch. Outcome: `worker.prepared | worker.refused`. */
  recoverWorktree: closed({ workerId: WorkerIdSchema }),
  /** Quarantine, then remove the worktree. Outcome: `worker.cleaned | worker.refused`. */
  cleanupWorktree: closed({ workerId: WorkerIdSchema }),
} as const;
export type EffectName = keyof typeof EFFECT_SCHEMAS;
export type EffectParams<Name extends EffectName> = Static<(typeof EFFECT_SCHEMAS)[Name]>;

export type EffectRule = {
  readonly lane: Lane;
  /** Tries before `effect.failed`; each is counted durably before it is made. */
  readonly triesMax: number;
  /** One try may take this long, in ms; then it counts as failed. */
  readonly deadlineMs: number;
  /** How a repeat finds out that it was already done. */
  readonly doneWhen: string;
};

export const EFFECT_RULES: { readonly [Name in EffectName]: EffectRule } = {
  prepareWorkspace: {
    lane: 'start',
    triesMax: 3,
    deadlineMs: 300_000,
    doneWhen: 'the worktree is registered and at that commit',
  },
  startRunner: {
    lane: 'start',
    triesMax: 5,
    deadlineMs: 30_000,
    doneWhen: 'the run has a granted instance, or the epoch moved on',
  },
  sealWork: {
    lane: 'work',
    triesMax: 3,
    deadlineMs: 300_000,
    doneWhen: 'the branch tip has the trailer Conductor-Effect with this key',
  },
  verifyWork: {
    lane: 'work',
    triesMax: 5,
    deadlineMs: 30_000,
    doneWhen: 'the runner knows the instruction by its key',
  },
  deliverAnswer: { lane: 'work', triesMax: 5, deadlineMs: 30_000, doneWhen: 'the child acknowledged the answer' },
  sweepEpoch: { lane: 'end', triesMax: 3, deadlineMs: 120_000, doneWhen: 'the census of the epoch is empty' },
  finishRun: {
    lane: 'end',
    triesMax: 3,
    deadlineMs: 180_000,
    doneWhen: 'the census is empty and artifacts stand under their content hash',
  },
  createWorktree: { lane: 'work', triesMax: 3, deadlineMs: 300_000, doneWhen: 'the worktree is registered' },
  recoverWorktree: { lane: 'work', triesMax: 3, deadlineMs: 300_000, doneWhen: 'the worktree is registered' },
  cleanupWorktree: {
    lane: 'work',
    triesMax: 3,
    deadlineMs: 300_000,
    doneWhen: 'the worktree is not registered any more',
  },
};

/** The empty bodies that a machine's `setup` names. */
export const effectActions = {
  prepareWorkspace: (_: unknown, _params: EffectParams<'prepareWorkspace'>): void => {},
  startRunner: (_: unknown, _params: EffectParams<'startRunner'>): void => {},
  sealWork: (_: unknown, _params: EffectParams<'sealWork'>): void => {},
  verifyWork: (_: unknown, _params: EffectParams<'verifyWork'>): void => {},
  deliverAnswer: (_: unknown, _params: EffectParams<'deliverAnswer'>): void => {},
  sweepEpoch: (_: unknown, _params: EffectParams<'sweepEpoch'>): void => {},
  finishRun: (_: unknown, _params: EffectParams<'finishRun'>): void => {},
  createWorktree: (_: unknown, _params: EffectParams<'createWorktree'>): void => {},
  recoverWorktree: (_: unknown, _params: EffectParams<'recoverWorktree'>): void => {},
  cleanupWorktree: (_: unknown, _params: EffectParams<'cleanupWorktree'>): void => {},
} as const;

/** The kernel's word that it gave an effect up. Every machine that asks for effects handles it in every state that waits for one. */
export const EffectFailedSchema = eventSchema('effect.failed', {
  effect: Type.Unsafe<EffectName>(Type.String({ enum: Object.keys(EFFECT_SCHEMAS) })),
  code: Type.String({ maxLength: 64 }),
  message: LineSchema,
});
