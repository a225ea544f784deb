/**
 * Which messages that changed nothing are worth an entry in the journal, and how many: a child that repeats a late report for
 * hours must not fill the disk.
 *
 * E1. At most `rejectedPerHourMax` entries per run and hour; the next entry says how many were left out.
 */
import type { AnyMachineSnapshot } from 'xstate';
import type { Principal } from '../../machines/schema.ts';
import type { LiveActor } from './actor-cache.ts';
import type { EventBody } from './kernel.ts';
import { isKnownEvent } from './transition.ts';

const hourMs = 3_600_000;
/** Runs remembered; the one that was silent for longest is forgotten first. */
const countersMax = 10_000;

/**
 * Why a machine did not handle an event, as a word: `repeat`, `old_epoch`, `run_final` (`final` for other kinds),
 * `not_in_state`, `guarded`.
 */
export function reasonOf(actor: LiveActor, event: EventBody): string {
  const context = actor.persisted.context as { readonly epoch?: unknown; readonly spoolSeq?: unknown };
  const epoch = event['epoch'];
  if (typeof epoch === 'number' && typeof context.epoch === 'number') {
    if (epoch !== context.epoch) return 'old_epoch';
    const seq = event['seq'];
    if (typeof seq === 'number' && typeof context.spoolSeq === 'number' && seq <= context.spoolSeq) return 'repeat';
  }
  if (actor.persisted.status !== 'active') return actor.kind === 'run' ? 'run_final' : 'final';
  return isKnownEvent(actor.snapshot as AnyMachineSnapshot, event.type) ? 'guarded' : 'not_in_state';
}

const gateDecisions: ReadonlySet<string> = new Set(['gate.approve', 'gate.reject', 'gate.cancel', 'gate.use']);

/** Words of a runner or child that came too late, and decisions that did not count, are news; the rest is noise. */
export const isWorthAnEntry = (
  actor: LiveActor,
  event: EventBody,
  by: { readonly principal: Principal; readonly reason: string },
): boolean =>
  by.reason !== 'repeat' &&
  (by.principal === 'child_run' ||
    (actor.kind === 'run' && typeof event['epoch'] === 'number') ||
    (actor.kind === 'gate' && gateDecisions.has(event.type)));

export class RejectionBudget {
  readonly #perHourMax: number;
  readonly #counters = new Map<string, { since: number; written: number; leftOut: number }>();

  constructor(perHourMax: number) {
    this.#perHourMax = perHourMax;
  }

  /** @returns the reason to write, or null when this hour has had its share. */
  admit(key: string, reason: string, now: number): string | null {
    const counter = this.#counterOf(key, now);
    if (counter.written >= this.#perHourMax) {
      counter.leftOut += 1;
      return null;
    }
    counter.written += 1;
    const { leftOut } = counter;
    counter.leftOut = 0;
    return leftOut === 0 ? reason : `${reason} (${String(leftOut)} more were not recorded)`;
  }

  #counterOf(key: string, now: number): { since: number; written: number; leftOut: number } {
    const known = this.#counters.get(key);
    // A clock that stepped back begins a new hour too: otherwise one bad time would silence a run for as long as it was off.
    if (known !== undefined && now >= known.since && now - known.since < hourMs) return known;
    const fresh = { since: now, written: 0, leftOut: known?.leftOut ?? 0 };
    this.#counters.delete(key);
    this.#counters.set(key, fresh);
    if (this.#counters.size > countersMax) {
      const [oldest] = this.#counters.keys();
      this.#counters.delete(oldest!);
    }
    return fresh;
  }
}
