/**
 * One post, computed: its messages in order, each with all that it causes, on a draft of its own that is merged into the
 * batch's when the post counts and dropped when it does not.
 *
 * K2. The messages of one post, and all that they tell, are committed together or not at all.
 * B1. A post that fails costs nobody else anything: its draft is dropped, its event dead-lettered, the batch goes on.
 */
import { ConductorError, isConductorError } from '../../machines/errors.ts';
import type { ActorId, EpochMs } from '../../machines/ids.ts';
import type { CommitBatch, Continuation, Owner, TimerRow } from '../../persistence/store.ts';
import { Cascade, Poison, poisonError, Refusal, type Unhandled } from './cascade.ts';
import { writeOf, type BatchGround } from './committed-state.ts';
import { Draft, timerKey, type Wanted } from './draft.ts';
import { writeNote, writeRejection, type JournalPage } from './journal-writer.ts';
import type { Message, Outcome, Post } from './kernel.ts';
import type { KernelLimits } from './limits.ts';
import type { MachineSet } from './machine-set.ts';
import type { Pending } from './mailbox.ts';
import { isWorthAnEntry, type RejectionBudget } from './rejections.ts';
import { repeatedAnswer, storedRequest } from './requests.ts';

export type BatchContext = {
  readonly set: MachineSet;
  readonly limits: KernelLimits;
  readonly ground: BatchGround;
  readonly draft: Draft;
  readonly at: EpochMs;
  readonly rejections: RejectionBudget;
};

export type Answer = Outcome | Error;

/** Loads what the posts name themselves in one go; what their cascades need is loaded when they get there. */
export async function prefetch(context: BatchContext, posts: readonly Pending[]): Promise<void> {
  const ids = new Set<string>();
  const loads: Promise<void>[] = [];
  for (const { post, continuation } of posts) {
    for (const message of post.messages) ids.add(message.kind === 'create' ? message.id : message.to);
    if (post.request !== undefined) loads.push(context.ground.load({ kind: 'request', id: post.request.id }));
    if (continuation !== undefined) {
      const { relation, of, afterRow } = continuation;
      loads.push(context.ground.load({ kind: 'relation', relation, of, after: afterRow }));
    }
  }
  const unknown = [...ids].filter((id) => isUnknown(context.ground, id));
  if (unknown.length > 0) loads.push(context.ground.load({ kind: 'actors', ids: unknown }));
  if (loads.length > 0) await Promise.all(loads);
}

function isUnknown(ground: BatchGround, id: string): boolean {
  try {
    return ground.actor(id) === undefined;
  } catch {
    // Known, and unreadable: the post that needs it is answered with the reason.
    return false;
  }
}

/** Computes one post on the batch's draft: at once when everything it needs is in memory. Errors are answers, not exceptions. */
export function computePost(context: BatchContext, pending: Pending): Answer | Promise<Answer> {
  const work = attempt(context, pending);
  const step = work.next();
  return step.done === true ? step.value : goOn(context, work, step.value);
}

async function goOn(context: BatchContext, work: Generator<Wanted, Answer, void>, first: Wanted): Promise<Answer> {
  for (let wanted = first; ;) {
    await context.ground.load(wanted);
    const step = work.next();
    if (step.done === true) return step.value;
    wanted = step.value;
  }
}

function* attempt(context: BatchContext, pending: Pending): Generator<Wanted, Answer, void> {
  const layer = new Draft(context.draft);
  try {
    const outcome = yield* computeOn(context, layer, pending);
    layer.mergeDown();
    return outcome;
  } catch (error) {
    if (error instanceof Refusal) {
      recordRefusal(context, pending, error);
      return error.outcome;
    }
    if (error instanceof Poison) {
      pushDeadLetter(context, context.draft, error);
      return poisonError(error);
    }
    if (isConductorError(error)) return error;
    return new ConductorError('internal', `The message could not be computed: ${String(error)}`, { cause: error });
  }
}

const pageOf = (context: BatchContext, draft: Draft, pending: Pending): JournalPage => ({
  draft,
  commit: context.ground.lastSeq + 1,
  at: context.at,
  principal: pending.post.principal,
  limits: context.limits,
});

function* computeOn(context: BatchContext, layer: Draft, pending: Pending): Generator<Wanted, Outcome, void> {
  const { post, timer, continuation } = pending;
  const repeated = post.request === undefined ? null : repeatedOf(context, layer, post.request);
  if (repeated !== null) return repeated;
  const page = pageOf(context, layer, pending);
  if (continuation !== undefined) return yield* tellPage(context, page, continuation);
  if (timer !== undefined && !disarm(layer, timer)) return { kind: 'applied', commit: page.commit, changed: [] };
  const cascade = new Cascade(context.set, page);
  const unhandled: Unhandled[] = [];
  for (const message of post.messages) {
    const why = yield* cascade.deliver(message);
    if (why === null) continue;
    refuseIfRequired(pending, message, why);
    unhandled.push(why);
  }
  addOutboxUpdates(layer, pending);
  const only = post.messages.length === 1 ? unhandled[0] : undefined;
  addCargo(page, post, only !== undefined);
  for (const why of unhandled) recordRejection(context, page, why);
  return only === undefined
    ? { kind: 'applied', commit: page.commit, changed: [...cascade.changed] }
    : ignored(post, only);
}

/** @returns false for a timer that was cleared or armed for another time since it was due: then there is nothing to say. */
function disarm(layer: Draft, timer: TimerRow): boolean {
  const key = timerKey(timer.actor, timer.key);
  if (layer.timer(key) !== timer) return false;
  layer.timers.set(key, null);
  return true;
}

function repeatedOf(context: BatchContext, layer: Draft, request: NonNullable<Post['request']>): Outcome | null {
  const keep = { now: context.at, keptMs: context.limits.requestKeptMs };
  return repeatedAnswer(layer.request(request.id), request, keep);
}

function ignored(post: Post, { actor, reason }: Unhandled): Outcome {
  const { to } = post.messages[0] as Extract<Message, { kind: 'event' }>;
  return { kind: 'ignored', to, reason, state: actor?.facts.state ?? null };
}

/** A single message is answered `ignored` unless it is required; one of several, and those of no effect, are required. */
function refuseIfRequired(pending: Pending, message: Message, why: Unhandled): void {
  if (message.kind === 'create') return;
  const { post } = pending;
  const isByDefault = post.messages.length > 1 && post.effectDone === undefined;
  const mode = message.mode ?? (isByDefault ? 'required' : null);
  if (mode === 'notify') return;
  if (why.actor === null && post.effectDone === undefined) {
    throw new ConductorError('not_found', `${message.to} does not exist.`, { details: { id: message.to } });
  }
  if (mode === 'required') throw new Refusal(message.to, why);
}

/** The effect is done also when its messages are ignored: they came too late, not never. */
function addOutboxUpdates(draft: Draft, { post, outboxUpdates }: Pending): void {
  if (post.effectDone !== undefined) {
    draft.outboxUpdates.push({ key: post.effectDone, state: 'done', tries: 0, deaths: 0 });
  }
  for (const update of outboxUpdates ?? []) draft.outboxUpdates.push(update);
}

/** What travels with the messages of a post. An ignored one stores nothing, unless it is the word of an effect. */
function addCargo(page: JournalPage, post: Post, isIgnored: boolean): void {
  const { draft } = page;
  if (isIgnored && post.effectDone === undefined) return;
  if (!isIgnored && post.request !== undefined) draft.requests.push(storedRequest(post.request, page.at));
  for (const blob of post.blobs ?? []) draft.blobs.push(blob);
  for (const artifact of post.artifacts ?? []) draft.artifacts.push(artifact);
  for (const note of post.notes ?? []) {
    const known = draft.unknownAmong([note.actor]).length === 0 ? draft.actor(note.actor) : null;
    writeNote(page, note, known);
  }
}

/** Tells the next rows of a continuation. Each stands for itself: what one of them does not take is set aside, the rest is told. */
function* tellPage(
  context: BatchContext,
  page: JournalPage,
  continuation: Continuation,
): Generator<Wanted, Outcome, void> {
  const { draft } = page;
  const { id, relation, of, afterRow, untilRow } = continuation;
  const room = Math.max(1, context.limits.relationTellsMax - draft.toldInAll);
  const stored = draft.relation(relation, of, afterRow).filter(({ row }) => row <= untilRow);
  const rows = stored.slice(0, room);
  const unknown = draft.unknownAmong(rows.map(({ to }) => to));
  if (unknown.length > 0) yield { kind: 'actors', ids: unknown };
  const changed = new Set<ActorId>();
  for (const row of rows) {
    const event = { ...continuation.event, type: continuation.event.type };
    const layer = new Draft(draft);
    const cascade = new Cascade(context.set, { ...page, draft: layer });
    try {
      const message = { kind: 'event', to: row.to as ActorId, event } as const;
      const why = yield* cascade.deliver(message);
      if (why !== null && continuation.mode === 'required') throw new Refusal(message.to, why);
      layer.mergeDown();
      for (const actor of cascade.changed) changed.add(actor);
    } catch (error) {
      pushDeadLetter(context, draft, error instanceof Poison ? error : asPoison(row.to, continuation, error));
    }
  }
  draft.told += rows.length;
  const last =
    rows.length < stored.length || stored.length > context.limits.relationTellsMax ? rows.at(-1)!.row : untilRow;
  draft.continuationsAdvanced.push({ id, afterRow: last });
  return { kind: 'applied', commit: page.commit, changed: [...changed] };
}

const asPoison = (to: string, { of, event, relation }: Continuation, cause: unknown): Poison =>
  new Poison(
    'internal',
    { to: to as ActorId, event, from: { actor: of, event: `tell ${relation}`, from: null } },
    cause,
  );

function pushDeadLetter(context: BatchContext, draft: Draft, poison: Poison): void {
  const { code, message, to, event, chain } = poison;
  draft.deadLetters.push({ at: context.at, to, event, code, message: message.slice(0, 1_000), chain });
}

function recordRejection(context: BatchContext, page: JournalPage, { actor, event, reason }: Unhandled): void {
  if (actor === null || !isWorthAnEntry(actor, event, { principal: page.principal, reason })) return;
  const admitted = context.rejections.admit(actor.facts.runId ?? actor.id, reason, context.at);
  if (admitted !== null) writeRejection(page, actor, { event, reason: admitted });
}

/** A report or decision that was refused for what it would have caused is recorded with the actor it was for. */
function recordRefusal(context: BatchContext, pending: Pending, { outcome }: Refusal): void {
  const page = pageOf(context, context.draft, pending);
  for (const message of pending.post.messages) {
    if (message.kind === 'create' || context.draft.unknownAmong([message.to]).length > 0) continue;
    const actor = context.draft.actor(message.to);
    const reason = message.to === outcome.to ? outcome.reason : `refused by ${outcome.to}: ${outcome.reason}`;
    recordRejection(context, page, { actor, event: message.event, reason });
  }
}

/** The batch as the store takes it. */
export function seal(context: BatchContext, owner: Owner): CommitBatch {
  const { draft, at, ground } = context;
  const timers = [...draft.timers];
  return {
    owner,
    at,
    actors: Array.from(draft.actors.values(), (actor) => writeOf(actor, at)),
    journal: draft.journal,
    relations: draft.relations,
    outbox: draft.outbox,
    outboxUpdates: draft.outboxUpdates,
    timers: timers.flatMap(([, timer]) => (timer === null ? [] : [timer])),
    timersCleared: timers.flatMap(([key, timer]) => {
      const armed = ground.timer(key);
      return timer === null && armed !== undefined ? [{ actor: armed.actor, key: armed.key }] : [];
    }),
    requests: draft.requests,
    blobs: draft.blobs,
    artifacts: draft.artifacts,
    deadLetters: draft.deadLetters,
    continuations: draft.continuations,
    continuationsAdvanced: draft.continuationsAdvanced,
  };
}
