/** What must hold of gates, of what their approvals allow, and of what objectives count of them. */
import { FINAL_STATES } from '../../src/machines/registry.ts';
import type { ActorWrite, CommitBatch, JournalEntry } from '../../src/persistence/store.ts';
import { contextOf } from './committed-context.ts';
import type { World } from './world.ts';

type Change = readonly [before: ActorWrite | null, after: ActorWrite];

const isFinal = ({ kind, facts }: ActorWrite): boolean => FINAL_STATES[kind].includes(facts.state);

export class GateInvariants {
  readonly #world: World;
  /** As committed. */
  readonly #actors: ReadonlyMap<string, ActorWrite>;
  /** Open gates by objective, counted by themselves. */
  readonly #open = new Map<string, number>();

  constructor(world: World, actors: ReadonlyMap<string, ActorWrite>) {
    this.#world = world;
    this.#actors = actors;
  }

  committed(changed: readonly Change[], { journal }: CommitBatch): void {
    for (const [before, gate] of changed) if (gate.kind === 'gate') this.#count(before, gate);
    for (const [before, actor] of changed) {
      if (actor.kind === 'gate') this.#checkMove(before, actor);
      else if (actor.kind === 'worker') this.#checkCleanup(before, actor);
      else if (actor.kind === 'objective') this.#checkCount(actor);
      if (actor.kind === 'gate') this.#checkSubject(actor);
    }
    for (const entry of journal) if (entry.event.type === 'timer.expire') this.#checkTime(entry);
  }

  checkAll(): void {
    for (const actor of this.#actors.values()) {
      if (actor.kind === 'gate') this.#checkSubject(actor);
      else if (actor.kind === 'objective') this.#checkCount(actor);
    }
  }

  #broken(invariant: string, entity: string, detail: string): void {
    this.#world.witness.broken(invariant, entity, detail);
  }

  #count(before: ActorWrite | null, gate: ActorWrite): void {
    const { objectiveId } = contextOf('gate', gate);
    if (objectiveId === null) return;
    const [was, is] = [before?.facts.state === 'open', gate.facts.state === 'open'];
    this.#open.set(objectiveId, (this.#open.get(objectiveId) ?? 0) + Number(is) - Number(was));
  }

  #checkCount(objective: ActorWrite): void {
    if (objective.facts.state === 'canceled') return;
    const [counted, open] = [contextOf('objective', objective).openGates, this.#open.get(objective.id) ?? 0];
    if (counted !== open) {
      this.#broken('open gates = recount of its gates', objective.id, `${String(counted)}, really ${String(open)}`);
    }
  }

  /** Answered and used before its end. */
  #checkMove(before: ActorWrite | null, actor: ActorWrite): void {
    if (before === null || before.facts.state === actor.facts.state) return;
    const { expiresAt, resolvedAt, usedAt } = contextOf('gate', actor);
    const [from, to] = [before.facts.state, actor.facts.state];
    if (to === 'used' && resolvedAt === null) this.#broken('only what is approved is used', actor.id, from);
    if (to === 'expired') this.#checkExpiry(actor, from);
    const decidedAt = to === 'approved' ? resolvedAt : to === 'used' ? usedAt : null;
    if (decidedAt !== null && expiresAt !== null && decidedAt >= expiresAt) {
      this.#broken('nothing is allowed after the end of its gate', actor.id, `${to} at ${String(decidedAt)}`);
    }
  }

  #checkExpiry(gate: ActorWrite, from: string): void {
    const { witness } = this.#world;
    const { expiresAt, operation } = contextOf('gate', gate);
    witness.fault(from === 'open' ? 'gate expired while open' : 'gate expired after its approval');
    if (operation === 'destructive_cleanup') witness.fault('cleanup gate expired');
    if (expiresAt === null) this.#broken('a gate without an end does not expire', gate.id, from);
  }

  #checkTime({ actor, kind, event }: JournalEntry): void {
    const { expiresAt } = contextOf('gate', this.#actors.get(actor)!);
    const at = event['at'] as number;
    if (kind === 'transition' && expiresAt !== null && at < expiresAt) {
      this.#broken('no gate expires before its end', actor, `${String(expiresAt - at)} ms too early`);
    }
  }

  /** What holds unfinished work of a task is removed under a gate that was approved for it and is used up by it. */
  #checkCleanup(before: ActorWrite | null, worker: ActorWrite): void {
    if (worker.facts.state !== 'cleaning' || before === null || before.facts.state === 'cleaning') return;
    const { heldFor, cleanupGateId, updatedAt } = contextOf('worker', worker);
    const gate = cleanupGateId === null ? undefined : this.#actors.get(cleanupGateId);
    if (gate === undefined) {
      if (heldFor !== null) this.#broken('held work is cleaned up under a gate only', worker.id, `held for ${heldFor}`);
      return;
    }
    const { operation, usedAt, workerId } = contextOf('gate', gate);
    const isItsOwn = gate.facts.state === 'used' && usedAt === updatedAt;
    if (!isItsOwn || operation !== 'destructive_cleanup' || workerId !== worker.id) {
      this.#broken(
        'a cleanup uses up the gate that allows it',
        worker.id,
        `${gate.id} ${gate.facts.state} ${operation}`,
      );
    }
  }

  #checkSubject(actor: ActorWrite): void {
    if (actor.facts.state !== 'open') return;
    const gate = contextOf('gate', actor);
    if (gate.subject === 'none') return;
    const id = gate.subject === 'run' ? gate.runId : gate.taskId;
    const subject = id === null ? undefined : this.#actors.get(id);
    if (subject === undefined) return this.#broken('an open gate has a subject', actor.id, String(id));
    if (gate.subject === 'task') {
      const isAsked = contextOf('task', subject).reviewGateId === actor.id;
      if (!isAsked) this.#broken('an open review gate is its task’s', actor.id, subject.facts.state);
      return;
    }
    // A question of a blocked run waits for its answer, a note for somebody's eyes.
    const isKept = gate.gateType === 'needs_review' || contextOf('run', subject).end === 'completion_blocked';
    if (isFinal(subject) && !isKept) this.#broken('an open question has a living run', actor.id, subject.facts.state);
  }
}
