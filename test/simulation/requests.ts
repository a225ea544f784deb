/**
 * What people ask of the kernel, each with an id of its own, and what they were told: compared with what the disk holds.
 *
 * Q1. Whoever is told «overloaded» asks again with the same id after a moment, until it is answered otherwise.
 * Q2. Whoever is told nothing may ask again, and gets the answer that is stored.
 */
import { isConductorError } from '../../src/machines/errors.ts';
import type { Outcome, Post } from '../../src/supervisor/kernel/kernel.ts';
import type { Supervisor } from './supervisor.ts';
import type { World } from './world.ts';

type Asked = { readonly post: Post; readonly id: string; sent: number };

/** Mean time after which somebody who was told to try again does so, in ms. */
const AGAIN_MS = 800;
/** What everybody must expect. */
const EVERYDAY = ['store_full', 'not_found', 'supervisor_away', 'internal', 'overloaded'];

export class Requests {
  readonly #world: World;
  readonly #supervisor: () => Supervisor | null;
  readonly #acknowledged: Asked[] = [];
  readonly #unanswered: Asked[] = [];
  /** Told to try again, and not yet tried. */
  readonly #putOff = new Set<Asked>();
  #count = 0;

  constructor(world: World, supervisor: () => Supervisor | null) {
    this.#world = world;
    this.#supervisor = supervisor;
  }

  /** Whoever can be asked now. */
  supervisor(): Supervisor | null {
    const supervisor = this.#supervisor();
    return supervisor?.kernel == null || supervisor.isStopping ? null : supervisor;
  }

  newId(): string {
    this.#count += 1;
    return `request-${String(this.#count)}`;
  }

  /** Everything that was acknowledged is on the disk; what was told to have failed is not. */
  checkAcknowledged(): void {
    for (const { id, post } of this.#acknowledged) {
      if (!this.#world.disk.requests.has(id)) {
        this.#world.witness.broken(
          'acknowledged posts are found after reopening',
          id,
          JSON.stringify(post.messages[0]),
        );
      }
    }
    this.#acknowledged.length = 0;
  }

  /** One line for each that still waits for its turn. */
  unsettled(): readonly string[] {
    return [...this.#putOff].map(({ id }) => `${id} was told to come again`);
  }

  /** Sent and forgotten: what it is answered is checked here. */
  post(post: Post): void {
    this.ask(post).catch(() => undefined);
  }

  /** The answer, as an operation gets it. Never, when the supervisor dies before it answers. */
  ask(post: Post): Promise<Outcome> {
    const id = post.request?.id ?? this.newId();
    const asked: Asked = { id, post: { ...post, request: post.request ?? { id, hash: id, result: { id } } }, sent: 0 };
    return this.#send(asked) ?? new Promise<never>(() => undefined);
  }

  /** Somebody who has waited for long asks again. */
  repeat(): void {
    if (this.#unanswered.length === 0) return;
    const asked = this.#world.chance.pick(this.#unanswered);
    if (this.#putOff.has(asked)) return;
    this.#world.witness.fault('request repeated');
    this.#send(asked)?.catch(() => undefined);
  }

  /** @returns null while there is nobody to ask. */
  #send(asked: Asked): Promise<Outcome> | null {
    const supervisor = this.supervisor();
    if (supervisor === null) return null;
    if (!this.#unanswered.includes(asked)) this.#unanswered.push(asked);
    asked.sent += 1;
    // When the supervisor dies before it answers, the post stays without an answer and may be asked for again.
    const answer = supervisor.kernel!.post(asked.post);
    answer.then(
      (outcome) => this.#hear(asked, outcome),
      (error: unknown) => this.#fail(asked, error),
    );
    return answer;
  }

  #answered(asked: Asked): void {
    const place = this.#unanswered.indexOf(asked);
    if (place >= 0) this.#unanswered.splice(place, 1);
  }

  #hear(asked: Asked, outcome: Outcome): void {
    this.#answered(asked);
    const { witness, disk } = this.#world;
    const { id, post, sent } = asked;
    if (outcome.kind === 'applied' || outcome.kind === 'repeated') this.#acknowledged.push(asked);
    if (outcome.kind === 'applied' && !disk.requests.has(id)) {
      witness.broken('an acknowledged post is stored', id, JSON.stringify(post.messages[0]));
    }
    if (outcome.kind === 'repeated' && sent === 1) {
      witness.broken('told failed, and found', id, JSON.stringify(post.messages[0]));
    }
    // Asked twice, each is answered for itself: the other one may be what is found.
    const isRefused = sent === 1 && (outcome.kind === 'ignored' || outcome.kind === 'refused');
    if (isRefused && disk.requests.has(id)) witness.broken('told refused, and found', id, outcome.reason);
  }

  #fail(asked: Asked, error: unknown): void {
    const { witness, disk } = this.#world;
    if (isConductorError(error, 'outcome_unknown')) return;
    if (asked.sent === 1 && disk.requests.has(asked.id)) {
      witness.broken('told failed, and found', asked.id, String(error));
    }
    const isExpected = isConductorError(error) && EVERYDAY.includes(error.code);
    if (!isExpected) witness.broken('people get everyday errors', asked.id, String(error));
    if (!isConductorError(error, 'overloaded')) return this.#answered(asked);
    witness.fault('overloaded');
    if (!error.retryable) witness.broken('overloaded passes', asked.id, error.message);
    // It was certainly not taken: the next one is the first again.
    asked.sent -= 1;
    this.#putOff.add(asked);
    this.#again(asked);
  }

  /** Q1. */
  #again(asked: Asked): void {
    this.#world.time.after(this.#world.life, this.#world.chance.wait(AGAIN_MS), () => {
      const answer = this.#send(asked);
      if (answer === null) return this.#again(asked);
      this.#putOff.delete(asked);
      answer.catch(() => undefined);
    });
  }
}
