/**
 * Follows the journal and tells it in the Stately inspector's messages: who is there first, then every step.
 *
 * B1. What a step led to is read at its own entry of the journal, so that nobody is shown a later state.
 * B2. Who attaches in the middle is told of everybody as they were after the last step that was sent.
 */
import { isConductorError } from '../../../machines/errors.ts';
import type { ActorKind } from '../../../machines/ids.ts';
import type { Overview } from '../../../operations/read-models/overview.ts';
import type { JournalEntry } from '../../../persistence/store.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { actorMessage, stepMessages, type Redact, type Seen } from './stately-messages.ts';
import type { StatelyServer } from './stately-server.ts';

/** Machines that a receiver is told of when it attaches; of those that have ended the oldest is forgotten first. */
const KNOWN_MAX = 1_000;

type Moment = { readonly kind: ActorKind; readonly snapshot: Seen['snapshot'] };

export class StatelyBridge {
  readonly #port: ConductorPort;
  readonly #redact: Redact;
  /** The newest of each machine, the one that changed last at the end. */
  readonly #known = new Map<string, Seen>();

  constructor(port: ConductorPort, redact: Redact) {
    this.#port = port;
    this.#redact = redact;
  }

  /** For who attaches (B2). */
  *greeting(): Generator<string> {
    for (const seen of this.#known.values()) yield JSON.stringify(actorMessage(seen, this.#redact));
  }

  /** Reads what is there. @returns the entry after which steps begin. */
  async begin(): Promise<number> {
    const overview = (await this.#port.call('conductor_get_overview', {})).details as Overview;
    const { objectives, workers, tasks, runs, gates } = overview.items;
    const ids = [
      ...objectives.map(({ objectiveId }) => objectiveId),
      ...workers.map(({ workerId }) => workerId),
      ...tasks.map(({ taskId }) => taskId),
      ...runs.map(({ runId }) => runId),
      ...gates.map(({ gateId }) => gateId),
    ];
    for (const id of ids.slice(-KNOWN_MAX)) {
      const seen = await this.#look(id, { seq: overview.seq, at: overview.at ?? 0 });
      if (seen !== null) this.#known.set(id, seen);
    }
    return overview.seq;
  }

  /** Tells every step after `after` until the signal is aborted or the supervisor has gone. */
  async follow(server: StatelyServer, from: { readonly after: number; readonly signal: AbortSignal }): Promise<void> {
    for await (const entry of this.#port.subscribe(from)) {
      if (entry.kind !== 'transition') continue;
      const seen = await this.#look(entry.actor, entry);
      if (seen === null) continue;
      const messages = this.#known.has(entry.actor)
        ? stepMessages(seen, entry.event, this.#redact)
        : [actorMessage(seen, this.#redact)];
      this.#keep(seen);
      for (const message of messages) server.send(JSON.stringify(message));
    }
  }

  #keep(seen: Seen): void {
    this.#known.delete(seen.id);
    this.#known.set(seen.id, seen);
    if (this.#known.size <= KNOWN_MAX) return;
    const ended = [...this.#known.values()].find(({ snapshot }) => snapshot.status !== 'active');
    const [oldest] = this.#known.keys();
    this.#known.delete(ended?.id ?? oldest!);
  }

  /** Null for what is archived by now (B1). */
  async #look(
    id: string,
    { seq, at }: Pick<JournalEntry, 'seq' | 'at'> | { seq: number; at: number },
  ): Promise<Seen | null> {
    try {
      const { kind, snapshot } = (await this.#port.call('conductor_get_snapshot', { id, seq })).details as Moment;
      return { id, kind, snapshot, at };
    } catch (error) {
      if (isConductorError(error, 'not_found')) return null;
      throw error;
    }
  }
}
