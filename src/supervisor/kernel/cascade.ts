/**
 * One message and everything that it causes, computed on a draft: transitions, and in turn the commands and effects that they
 * name. Pure but for the draft. XState is called through transition.ts alone.
 *
 * C1. Tells and creations are delivered in the order in which they were made, each after the transition that made it is complete.
 *     Reports come after all of them: what an actor caused before what caused it, those of one actor in their order. So whoever
 *     counts many is led from where it stood to where it stands, and not through what lies between two words of one message.
 * C2. A required tell that is not handled takes back the whole post: `Refusal`.
 * C3. Chains end at `cascadeDepthMax` with the whole chain named.
 * C4. What is not in memory is asked for before anything of a delivery is written, so that it can simply be tried again.
 */
import type { CreateActor, Relate, Relation, SetTimer, Tell } from '../../machines/commands.ts';
import { EFFECT_RULES } from '../../machines/effects.ts';
import { ConductorError } from '../../machines/errors.ts';
import type { ActorId } from '../../machines/ids.ts';
import type { LiveActor } from './actor-cache.ts';
import { NeedsLoading, timerKey, type Draft, type Wanted } from './draft.ts';
import { writeMigration, writeTransition, type JournalPage } from './journal-writer.ts';
import type { EventBody, Message, Outcome } from './kernel.ts';
import { checkEvent, checkInput, entryOf, type MachineSet } from './machine-set.ts';
import { reasonOf } from './rejections.ts';
import { firstStep, nextStep, persist, type Command, type Step } from './transition.ts';

type Mode = Tell['mode'];
type Link = { readonly actor: string; readonly event: string; readonly from: Link | null };
type Delivery = {
  readonly to: ActorId;
  readonly event: EventBody;
  /** Set: the actor is created with it, unless it exists. */
  readonly input: object | null;
  readonly mode: Mode;
  readonly depth: number;
  readonly from: Link | null;
};

/** A message that its receiver did not handle. `actor` is null when there is none. */
export type Unhandled = { readonly actor: LiveActor | null; readonly event: EventBody; readonly reason: string };

/** Takes back a post: a required message was not handled. An everyday outcome; an exception only to unwind. */
export class Refusal extends Error {
  override readonly name: string = 'Refusal';
  readonly outcome: Extract<Outcome, { kind: 'refused' }>;

  constructor(to: ActorId, unhandled: Unhandled) {
    super(`${to} does not take ${unhandled.event.type}`);
    const { actor, event, reason } = unhandled;
    this.outcome = { kind: 'refused', to, event: event.type, reason, state: actor?.facts.state ?? null };
  }
}

/** A machine that threw, or a chain without an end: the post is answered with the cause and the event dead-lettered. */
export class Poison extends Error {
  override readonly name: string = 'Poison';
  readonly code: 'internal' | 'cascade_too_deep';
  readonly to: string;
  readonly event: unknown;
  readonly chain: readonly string[];

  constructor(code: Poison['code'], delivery: Pick<Delivery, 'to' | 'event' | 'from'>, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.code = code;
    this.to = delivery.to;
    this.event = delivery.event;
    const chain: string[] = [`${delivery.to} ${delivery.event.type}`];
    for (let link = delivery.from; link !== null; link = link.from) chain.unshift(`${link.actor} ${link.event}`);
    this.chain = chain;
  }
}

export class Cascade {
  readonly #set: MachineSet;
  readonly #page: JournalPage;
  readonly #draft: Draft;
  #queue: Delivery[] = [];
  #reports: Delivery[] = [];
  readonly changed = new Set<ActorId>();

  constructor(set: MachineSet, page: JournalPage) {
    this.#set = set;
    this.#page = page;
    this.#draft = page.draft;
  }

  /**
   * Delivers a message and all that it causes. Yields what has to be loaded before it can go on.
   * @returns null when it was handled, else why not.
   * @throws Refusal, Poison, ConductorError `store_too_new`, `store_damaged`; then the draft is to be dropped.
   */
  *deliver(message: Message): Generator<Wanted, Unhandled | null, void> {
    const root = { depth: 0, from: null };
    if (message.kind === 'create') this.#enqueueCreate(message.id, message.input, root);
    else this.#queue.push({ ...root, to: message.to, event: message.event, input: null, mode: 'notify' });
    let first: Unhandled | null = null;
    for (let next = 0; next < this.#queue.length || this.#takeReports(); next += 1) {
      const delivery = this.#queue[next]!;
      const unhandled = yield* this.#loading(delivery);
      if (unhandled === null) continue;
      if (delivery.mode === 'required') throw new Refusal(delivery.to, unhandled);
      if (next === 0) first = unhandled;
    }
    this.#queue = [];
    return first;
  }

  /** C1. @returns false when there are none. */
  #takeReports(): boolean {
    if (this.#reports.length === 0) return false;
    const bySender = Map.groupBy(this.#reports, ({ from }) => from?.actor);
    this.#queue.push(...[...bySender.values()].toReversed().flat());
    this.#reports = [];
    return true;
  }

  *#loading(delivery: Delivery): Generator<Wanted, Unhandled | null, void> {
    for (;;) {
      try {
        return this.#apply(delivery);
      } catch (error) {
        if (!(error instanceof NeedsLoading)) throw error;
        yield error.wanted;
      }
    }
  }

  #apply(delivery: Delivery): Unhandled | null {
    const { to, event, input } = delivery;
    const before = this.#draft.actor(to);
    const { entry } = entryOf(this.#set, to);
    if (input !== null) {
      if (before !== null) return null;
      const step = this.#stepOf(delivery, () => {
        if (this.#page.limits.validateTells) checkInput(this.#set, to, input);
        return firstStep(entry.machine, input);
      });
      this.#record(null, step, delivery);
      return null;
    }
    if (before === null) return { actor: null, event, reason: 'not_found' };
    const step = this.#stepOf(delivery, () => {
      if (this.#page.limits.validateTells) checkEvent(this.#set, to, event);
      return nextStep(entry.machine, before.snapshot, event);
    });
    if (step.taken.length === 0) return { actor: before, event, reason: reasonOf(before, event) };
    this.#record(before, step, delivery);
    return null;
  }

  #enqueueCreate(id: ActorId, input: object, at: Pick<Delivery, 'depth' | 'from'>): void {
    const { kind } = entryOf(this.#set, id);
    this.#queue.push({ ...at, to: id, event: { type: `${kind}.created`, input }, input, mode: 'notify' });
  }

  #stepOf(delivery: Delivery, run: () => Step): Step {
    const max = this.#page.limits.cascadeDepthMax;
    if (delivery.depth > max) {
      throw new Poison(
        'cascade_too_deep',
        delivery,
        new Error(`One message led to a chain of more than ${String(max)} others.`),
      );
    }
    try {
      return run();
    } catch (cause) {
      throw new Poison('internal', delivery, cause);
    }
  }

  #record(stored: LiveActor | null, step: Step, delivery: Delivery): void {
    this.#checkRelations(step);
    const { to, event } = delivery;
    const isMigrated = stored !== null && stored.migratedFrom !== null;
    const before = isMigrated ? writeMigration(this.#page, stored) : stored;
    const { kind, entry } = entryOf(this.#set, to);
    const persisted = persist(step.snapshot);
    const after: LiveActor = {
      id: to,
      kind,
      version: entry.version,
      snapshot: step.snapshot,
      persisted,
      facts: this.#set.describe({ kind, id: to }, persisted),
      storedRevision: before?.storedRevision ?? 0,
      createdAt: before?.createdAt ?? this.#page.at,
      updatedAt: this.#page.at,
      sinceKeyframe: before?.sinceKeyframe ?? 0,
      migratedFrom: null,
    };
    const seq = this.#draft.lastSeq + 1;
    this.#draft.actors.set(to, writeTransition(this.#page, { before, after, event, taken: step.taken }));
    this.changed.add(to);
    for (const [index, effect] of step.effects.entries()) {
      this.#draft.outbox.push({
        key: `${to}/${String(seq)}/${String(index)}`,
        actor: to,
        version: after.version,
        name: effect.name,
        lane: EFFECT_RULES[effect.name].lane,
        params: effect.params,
        tries: 0,
        deaths: 0,
        state: 'waiting',
        createdAt: this.#page.at,
      });
    }
    const link: Link = { actor: to, event: event.type, from: delivery.from };
    for (const command of step.commands) this.#obey(command, to, { depth: delivery.depth + 1, from: link });
  }

  #obey(command: Command, actor: ActorId, at: Pick<Delivery, 'depth' | 'from'>): void {
    switch (command.name) {
      case 'tell': {
        this.#tell(command.params as Tell, at);
        return;
      }
      case 'createActor': {
        const { id, input } = command.params as CreateActor;
        this.#enqueueCreate(id, input, at);
        return;
      }
      case 'relate': {
        const row = command.params as Relate;
        if (row.from !== null) this.#draft.relate({ relation: row.relation, from: row.from, to: row.to });
        return;
      }
      case 'setTimer': {
        const { key, dueAt, event } = command.params as SetTimer;
        if (dueAt !== null) this.#draft.timers.set(timerKey(actor, key), { actor, key, dueAt, event });
        return;
      }
      case 'clearTimer': {
        this.#draft.timers.set(timerKey(actor, (command.params as { readonly key: string }).key), null);
        return;
      }
    }
  }

  #tell(tell: Tell, at: Pick<Delivery, 'depth' | 'from'>): void {
    if (tell.to === null) return;
    const later = tell.mode === 'report' ? this.#reports : this.#queue;
    if (typeof tell.to === 'string') {
      later.push({ ...at, to: tell.to, event: tell.event as EventBody, input: null, mode: tell.mode });
      return;
    }
    const { relation, of } = tell.to;
    const { told, afterRow } = this.#firstPage(relation, of);
    for (const to of told) later.push({ ...at, to, event: tell.event as EventBody, input: null, mode: tell.mode });
    this.#draft.told += told.length;
    if (afterRow === null) return;
    this.#draft.continuations.push({
      id: this.#draft.lastContinuation + 1,
      relation,
      of,
      event: tell.event as EventBody,
      mode: tell.mode === 'required' ? 'required' : 'notify',
      afterRow,
      untilRow: this.#draft.lastRow,
    });
  }

  /** Everything that this step's tells to relations will look up is in memory, or nothing of the step is written (C4). */
  #checkRelations(step: Step): void {
    for (const { name, params } of step.commands) {
      if (name !== 'tell') continue;
      const { to } = params as Tell;
      if (to === null || typeof to === 'string') continue;
      const unknown = this.#draft.unknownAmong(this.#firstPage(to.relation, to.of).told);
      if (unknown.length > 0) throw new NeedsLoading({ kind: 'actors', ids: unknown });
    }
  }

  /** Who of a relation is told in this commit, and the row after which a continuation goes on; null: nobody is left. */
  #firstPage(relation: Relation, of: ActorId): { readonly told: readonly ActorId[]; readonly afterRow: number | null } {
    const max = this.#page.limits.relationTellsMax;
    if (this.#draft.hasContinuation(relation, of)) return { told: [], afterRow: 0 };
    const stored = this.#draft.relation(relation, of, 0);
    const rows = [...stored];
    if (stored.length <= max) {
      const known = new Set(stored.map(({ to }) => to));
      for (const added of this.#draft.addedRelations()) {
        if (added.relation === relation && added.from === of && !known.has(added.to)) rows.push(added);
      }
    }
    const room = Math.max(0, max - this.#draft.toldInAll);
    const told = rows.slice(0, room);
    const isLast = rows.length <= room;
    return { told: told.map(({ to }) => to as ActorId), afterRow: isLast ? null : (told.at(-1)?.row ?? 0) };
  }
}

/** The error a caller gets for a post that was poison. */
export const poisonError = (poison: Poison): ConductorError =>
  new ConductorError(
    poison.code,
    poison.code === 'internal'
      ? `${poison.to} could not take this message: ${poison.message}. It was set aside; nothing was changed.`
      : `${poison.message} The message was set aside; nothing was changed.`,
    { details: { to: poison.to, chain: poison.chain }, cause: poison.cause },
  );
