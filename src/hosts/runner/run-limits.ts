/**
 * The agent's limits: how long it may take and how long it may be silent. Measured with the monotonic clock.
 *
 * M1. Each limit warns once at 80 %, acts once at 100 %.
 * M2. Time in which this process did not run either (suspend, SIGSTOP, a stall above `GAP_MS`) counts for no limit.
 * M3. While a child waits for a person's answer the idle limit stands still.
 */

export type Limit = 'idle' | 'time';

export type LimitSettings = {
  /** 0 = none, in ms. */
  readonly timeoutMs: number;
  readonly idleMs: number;
  readonly isWaiting: () => boolean;
  readonly onWarned: (limit: Limit) => void;
  readonly onExceeded: (limit: Limit) => void;
};

/** A pause between two looks that is longer than planned by this much is nobody's idleness, in ms. */
const GAP_MS = 5_000;
const WARN_SHARE = 0.8;
const LOOK_MS_MIN = 25;
const LOOK_MS_MAX = 1_000;

export class RunLimits {
  readonly #settings: LimitSettings;
  readonly #now: () => number;
  readonly #lookMs: number;
  readonly #reached = new Map<Limit, 'warned' | 'exceeded'>();
  #timer: NodeJS.Timeout | null = null;
  #startedAt = 0;
  #activeAt: number;
  #lookedAt = 0;

  /** @param now Monotonic, in ms; another clock only in tests, which then call `look` themselves. */
  constructor(settings: LimitSettings, now: () => number = () => performance.now()) {
    this.#settings = settings;
    this.#now = now;
    this.#activeAt = now();
    const shortest = Math.min(settings.timeoutMs || Infinity, settings.idleMs || Infinity);
    this.#lookMs = Math.min(Math.max(shortest / 20, LOOK_MS_MIN), LOOK_MS_MAX);
  }

  /** Ms since the agent's last output or report. */
  get idleForMs(): number {
    return Math.max(0, Math.round(this.#now() - this.#activeAt));
  }

  start(): void {
    const now = this.#now();
    this.#startedAt = now;
    this.#activeAt = now;
    this.#lookedAt = now;
    if (this.#settings.timeoutMs === 0 && this.#settings.idleMs === 0) return;
    this.#timer = setInterval(() => this.look(), this.#lookMs);
  }

  /** Output or a report came. */
  touch(): void {
    this.#activeAt = this.#now();
    if (this.#reached.get('idle') === 'warned') this.#reached.delete('idle');
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  look(): void {
    const now = this.#now();
    const passed = now - this.#lookedAt;
    this.#lookedAt = now;
    if (passed > this.#lookMs + GAP_MS) {
      this.#startedAt += passed;
      this.#activeAt += passed;
    } else if (this.#settings.isWaiting()) this.#activeAt += passed;
    this.#judge('time', this.#settings.timeoutMs, now - this.#startedAt);
    this.#judge('idle', this.#settings.idleMs, now - this.#activeAt);
  }

  #judge(limit: Limit, limitMs: number, usedMs: number): void {
    if (limitMs === 0 || this.#reached.get(limit) === 'exceeded') return;
    if (usedMs >= limitMs) {
      this.#reached.set(limit, 'exceeded');
      this.#settings.onExceeded(limit);
    } else if (usedMs >= limitMs * WARN_SHARE && !this.#reached.has(limit)) {
      this.#reached.set(limit, 'warned');
      this.#settings.onWarned(limit);
    }
  }
}
