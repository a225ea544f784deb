/**
 * Carries out committed effects: at least once, in commit order per actor, in lanes, each try counted durably before it is
 * made. What an effect is and how a repeat finds out that it was done stands in machines/effects.ts.
 *
 * F1. Of one actor only the oldest waiting effect is tried; what was asked for later waits for it.
 * F2. The count of tries is committed before the try, with the presumption that we die in it; living through it takes that back.
 * F3. Result and done mark are one commit, giving up and `effect.failed` another.
 * F4. A row whose last `effectDeathsMax` tries ended in our own death is parked: it may be what kills us.
 * F5. When the kernel stops, tries are aborted, not counted, and their rows wait for the next start.
 */
import { EFFECT_RULES, LANES, type EffectName, type Lane } from '../../machines/effects.ts';
import { ConductorError, isConductorError } from '../../machines/errors.ts';
import { LINE_MAX } from '../../machines/schema.ts';
import type { OutboxRow, OutboxState, OutboxUpdate } from '../../persistence/store.ts';
import type { Clock, EffectCall, EffectHandlers, EffectResult, Outcome, Post } from './kernel.ts';
import type { KernelLimits } from './limits.ts';

export type EffectPost = { readonly post: Post; readonly outboxUpdates?: readonly OutboxUpdate[] };

type Task = {
  readonly row: OutboxRow;
  tries: number;
  deaths: number;
  phase: 'ready' | 'running' | 'backoff';
  controller: AbortController | null;
  cancelBackoff: (() => void) | null;
};

export class EffectExecutor {
  readonly #handlers: EffectHandlers | null;
  readonly #clock: Clock;
  readonly #limits: KernelLimits;
  readonly #commit: (work: EffectPost) => Promise<Outcome>;
  readonly #onChange: () => void;
  /** Waiting rows by actor, in commit order. */
  readonly #queues = new Map<string, Task[]>();
  readonly #tasks = new Map<string, Task>();
  readonly #running: Record<Lane, number> = { end: 0, start: 0, work: 0 };
  /** Heads of queues that may be tried, by lane, in the order in which they became ready. */
  readonly #ready: Record<Lane, Set<Task>> = { end: new Set(), start: new Set(), work: new Set() };
  #isRunning = false;

  constructor(options: {
    /** null: effects are stored and not carried out. */
    readonly handlers: EffectHandlers | null;
    readonly clock: Clock;
    readonly limits: KernelLimits;
    readonly commit: (work: EffectPost) => Promise<Outcome>;
    /** Called when it may have become idle. */
    readonly onChange: () => void;
  }) {
    this.#handlers = options.handlers;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#commit = options.commit;
    this.#onChange = options.onChange;
  }

  /** No try is being made and none could begin now. Rows between two tries do not count. */
  get isIdle(): boolean {
    return LANES.every((lane) => this.#running[lane] === 0 && this.#ready[lane].size === 0);
  }

  /** Takes the rows that an earlier supervisor left. @returns those to be parked (F4). */
  load(rows: readonly OutboxRow[]): readonly OutboxUpdate[] {
    if (this.#handlers === null) return [];
    const waiting = rows.filter(({ state }) => state === 'waiting');
    const isDeadly = ({ deaths }: OutboxRow) => deaths >= this.#limits.effectDeathsMax;
    this.#enqueue(waiting.filter((row) => !isDeadly(row)));
    return waiting.filter(isDeadly).map(({ key, tries, deaths }) => ({ key, tries, deaths, state: 'parked' as const }));
  }

  start(): void {
    this.#isRunning = true;
    this.#fill();
  }

  /** Rows of a commit, in their order. */
  accept(rows: readonly OutboxRow[]): void {
    if (this.#handlers === null || rows.length === 0) return;
    this.#enqueue(rows);
    this.#fill();
  }

  /** A committed update: a row that is done or failed waits no more, whoever said so. */
  settled(update: OutboxUpdate): void {
    if (update.state !== 'waiting') this.#remove(update.key);
  }

  /** Aborts every try. @returns the counts as they were before the tries that were aborted (F5). */
  stop(): readonly OutboxUpdate[] {
    this.#isRunning = false;
    const untried: OutboxUpdate[] = [];
    for (const task of this.#tasks.values()) {
      task.cancelBackoff?.();
      if (task.controller === null) continue;
      task.controller.abort(new ConductorError('supervisor_away', 'The supervisor is stopping.', { retryable: true }));
      untried.push(updateOf(task, 'waiting', { tries: task.tries - 1, deaths: 0 }));
    }
    return untried;
  }

  #enqueue(rows: readonly OutboxRow[]): void {
    for (const row of rows) {
      if (this.#tasks.has(row.key)) continue;
      const task: Task = {
        row,
        tries: row.tries,
        deaths: row.deaths,
        phase: 'ready',
        controller: null,
        cancelBackoff: null,
      };
      this.#tasks.set(row.key, task);
      const queue = this.#queues.get(row.actor);
      if (queue === undefined) {
        this.#queues.set(row.actor, [task]);
        this.#ready[row.lane].add(task);
        continue;
      }
      queue.push(task);
      // Something newer is asked of the same actor: a head that only waits for its next try has no reason to wait longer.
      if (queue[0]?.phase === 'backoff') this.#endBackoff(queue[0]);
    }
  }

  #remove(key: string): void {
    const task = this.#tasks.get(key);
    if (task === undefined) return;
    this.#tasks.delete(key);
    this.#ready[task.row.lane].delete(task);
    task.cancelBackoff?.();
    const queue = this.#queues.get(task.row.actor) ?? [];
    queue.splice(queue.indexOf(task), 1);
    const [head] = queue;
    if (head === undefined) this.#queues.delete(task.row.actor);
    else if (head.phase === 'ready') this.#ready[head.row.lane].add(head);
    this.#fill();
    this.#onChange();
  }

  #fill(): void {
    if (!this.#isRunning) return;
    for (const lane of LANES) {
      for (const task of this.#ready[lane]) {
        if (this.#running[lane] >= this.#limits.laneMax[lane]) break;
        this.#ready[lane].delete(task);
        task.phase = 'running';
        this.#running[lane] += 1;
        void this.#carryOut(task).finally(() => {
          this.#running[lane] -= 1;
          this.#fill();
          this.#onChange();
        });
      }
    }
  }

  async #carryOut(task: Task): Promise<void> {
    task.tries += 1;
    task.deaths += 1;
    try {
      await this.#commit({ post: emptyPost, outboxUpdates: [updateOf(task, 'waiting')] });
    } catch {
      // Not counted, so not tried: the disk refused the count, or the kernel is going down.
      task.tries -= 1;
      task.deaths -= 1;
      this.#backOff(task, this.#limits.storeRetryMs);
      return;
    }
    if (!this.#isRunning || !this.#tasks.has(task.row.key)) return;
    try {
      const result = await this.#try(task);
      if (!this.#tasks.has(task.row.key) || !this.#isRunning) return;
      const outcome = await this.#commit({ post: resultPost(task.row.key, result) });
      if (outcome.kind === 'refused') {
        throw new ConductorError('refused', `${outcome.to} refused ${outcome.event}: ${outcome.reason}.`);
      }
    } catch (error) {
      if (this.#isRunning && this.#tasks.has(task.row.key)) await this.#failed(task, error);
    } finally {
      task.controller = null;
    }
  }

  async #try(task: Task): Promise<EffectResult> {
    const { key, actor, name, params } = task.row;
    const controller = new AbortController();
    task.controller = controller;
    const { deadlineMs } = EFFECT_RULES[name];
    const cancelDeadline = this.#clock.after(deadlineMs, () => {
      const late = new ConductorError('internal', `${name} took longer than ${String(deadlineMs)} ms.`, {
        retryable: true,
      });
      controller.abort(late);
    });
    const aborted = new Promise<never>((_, reject) => {
      controller.signal.addEventListener('abort', () => {
        reject(controller.signal.reason as Error);
      });
    });
    try {
      // The name is not known to the compiler here; each handler gets the parameters that its own schema was checked for.
      const handler = this.#handlers![name] as (call: EffectCall<EffectName>) => Promise<EffectResult>;
      const call = { key, actor, params, attempt: task.tries, signal: controller.signal } as EffectCall<EffectName>;
      return await Promise.race([handler(call), aborted]);
    } finally {
      cancelDeadline();
    }
  }

  async #failed(task: Task, error: unknown): Promise<void> {
    const { row } = task;
    task.deaths = 0;
    const isFinal = isConductorError(error) && !error.retryable;
    if (!isFinal && task.tries < EFFECT_RULES[row.name].triesMax) {
      const waitMs = this.#backoffMs(task.tries);
      try {
        await this.#commit({ post: emptyPost, outboxUpdates: [updateOf(task, 'waiting')] });
      } catch {
        // The store keeps the presumption that we died in this try: one death too many in the count, no try lost.
      }
      this.#backOff(task, waitMs);
      return;
    }
    const gaveUp = updateOf(task, 'failed');
    try {
      await this.#commit({ post: failurePost(row, error), outboxUpdates: [gaveUp] });
    } catch (refused) {
      if (isConductorError(refused) && !refused.retryable && this.#isRunning) {
        // The machine cannot take the news (it was set aside); asking the world again would not change that.
        await this.#commit({ post: emptyPost, outboxUpdates: [gaveUp] }).catch(() => {
          this.#backOff(task, this.#limits.storeRetryMs);
        });
        return;
      }
      this.#backOff(task, this.#limits.storeRetryMs);
    }
  }

  /** Doubles with every try; spread by up to a half, so that what failed together is not tried together. */
  #backoffMs(tries: number): number {
    const { effectBackoffMs, effectBackoffMaxMs } = this.#limits;
    const full = Math.min(effectBackoffMaxMs, effectBackoffMs * 2 ** (tries - 1));
    return Math.round(full * (0.5 + this.#clock.random() / 2));
  }

  #backOff(task: Task, waitMs: number): void {
    if (!this.#isRunning || !this.#tasks.has(task.row.key)) return;
    task.phase = 'backoff';
    const isOvertaken = (this.#queues.get(task.row.actor)?.length ?? 0) > 1 && waitMs > this.#limits.storeRetryMs;
    task.cancelBackoff = this.#clock.after(isOvertaken ? this.#limits.storeRetryMs : waitMs, () => {
      this.#endBackoff(task);
      this.#fill();
    });
  }

  #endBackoff(task: Task): void {
    task.cancelBackoff?.();
    task.cancelBackoff = null;
    task.phase = 'ready';
    this.#ready[task.row.lane].add(task);
  }
}

const emptyPost: Post = { messages: [], principal: 'system' };

const updateOf = (
  task: Task,
  state: OutboxState,
  counts: { readonly tries: number; readonly deaths: number } = task,
): OutboxUpdate => ({ key: task.row.key, state, tries: counts.tries, deaths: counts.deaths });

const resultPost = (key: string, result: EffectResult): Post => ({
  messages: result.messages,
  principal: 'system',
  effectDone: key,
  ...(result.artifacts === undefined ? {} : { artifacts: result.artifacts }),
  ...(result.notes === undefined ? {} : { notes: result.notes }),
});

function failurePost(row: OutboxRow, error: unknown): Post {
  const code = isConductorError(error) ? error.code : 'internal';
  const message = (error instanceof Error ? error.message : String(error)).slice(0, LINE_MAX);
  const event = { type: 'effect.failed', effect: row.name, code, message };
  return { messages: [{ kind: 'event', to: row.actor, event, mode: 'notify' }], principal: 'system' };
}
