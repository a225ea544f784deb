/**
 * Holds services under the supervisor machine: the machine decides, this starts, stops and reports.
 *
 * H1. What is said about an earlier start of a service is said with its `gen`, so the machine ignores it.
 * H2. Giving up is an exit like any other: a tree inside a tree is a service, and the root's end is the process's.
 */
import { createActor } from 'xstate';
import type { EpochMs } from '../../machines/ids.ts';
import { supervisorMachine } from '../../machines/supervisor/machine.ts';
import type { SupervisorContext, SupervisorEvent, SupervisorSpec } from '../../machines/supervisor/model.ts';
import type { Clock } from '../kernel/kernel.ts';
import type { RunningService, Service } from './tree-child.ts';
import { TreeHistory, type TreeState, type TreeStep } from './tree-history.ts';

export type TreeReport = {
  readonly at: EpochMs;
  readonly service: string;
  readonly what: string;
  readonly reason: string;
};

export type TreeView = {
  readonly context: SupervisorContext;
  readonly reports: readonly TreeReport[];
  /** The machine's last ones, oldest first. */
  readonly steps: () => readonly TreeStep[];
};

/** Reports kept for people; a fault that goes on says the same again. */
const REPORTS_MAX = 50;

export type SupervisionTree = {
  /** Resolves when every service is up. @throws the reason when the tree gave up first. */
  start(): Promise<void>;
  /** In reverse order; resolves when all are down. */
  stop(reason: string): Promise<void>;
  /** Children with state, starts and failures; the budget of restarts and what is used of it; the last reports, newest last. */
  view(): TreeView;
  /** Resolves with the reason when the tree gave up; never after an ordered stop. */
  readonly defeated: Promise<string>;
};

type Policy = Omit<SupervisorSpec, 'children'>;

/** One restart a second for three in a row is a hiccup; more within a minute is a fault that a restart does not mend. */
export const TREE_POLICY: Omit<Policy, 'strategy'> = {
  intensity: 5,
  periodMs: 60_000,
  backoff: { minMs: 50, maxMs: 5_000, resetAfterMs: 60_000 },
};

export function createSupervisionTree(options: {
  readonly services: readonly Service[];
  readonly policy: Policy;
  readonly clock: Clock;
  readonly report: (report: TreeReport) => void;
}): SupervisionTree {
  return new Tree(options);
}

type Options = Parameters<typeof createSupervisionTree>[0];
type Ref = { readonly id: string; readonly gen: number };

class Tree implements SupervisionTree {
  readonly defeated: Promise<string>;
  readonly #options: Options;
  readonly #running = new Map<string, { readonly gen: number; readonly service: RunningService }>();
  readonly #reports: TreeReport[] = [];
  readonly #timers = new Map<string, () => void>();
  readonly #history = new TreeHistory();
  readonly #actor;
  #escalate: (reason: string) => void = () => undefined;

  constructor(options: Options) {
    this.#options = options;
    this.defeated = new Promise((resolve) => {
      this.#escalate = resolve;
    });
    const children = options.services.map(({ id, restart, shutdownMs }) => ({ id, restart, shutdownMs }));
    const machine = supervisorMachine.provide({
      actions: {
        startChild: (_, ref) => void this.#startChild(ref),
        stopChild: (_, { hard, ...ref }) => void this.#stopChild(ref, hard),
        setTimer: (_, timer) => this.#setTimer(timer.key, timer.dueAt, timer.event),
        clearTimer: (_, { key }) => this.#clearTimer(key),
        escalate: (_, { reason }) => this.#escalate(reason),
      },
    });
    this.#actor = createActor(machine, {
      input: { ...options.policy, children },
      inspect: this.#history.inspect,
    });
  }

  async start(): Promise<void> {
    const up = this.#untilState((state) => state.matches({ live: 'running' }) || state.status === 'done');
    this.#actor.start();
    this.#send({ type: 'supervisor.start', at: this.#now() });
    const state = await up;
    if (state.status === 'done') throw new Error(state.context.reason ?? 'the supervision tree gave up');
  }

  async stop(reason: string): Promise<void> {
    const down = this.#untilState((state) => state.status === 'done');
    this.#send({ type: 'supervisor.stop', at: this.#now(), reason: reason.slice(0, 1_000) });
    await down;
  }

  view(): TreeView {
    const steps = (): readonly TreeStep[] => this.#history.steps(this.#actor.logic);
    return { context: this.#snapshot().context, reports: [...this.#reports], steps };
  }

  async #startChild(ref: Ref): Promise<void> {
    const service = this.#serviceOf(ref);
    try {
      const running = await service.start((cause) => this.#exited(ref, cause));
      this.#running.set(ref.id, { gen: ref.gen, service: running });
      this.#send({ type: 'child.started', at: this.#now(), ...ref });
    } catch (cause) {
      const reason = reasonOf(cause);
      this.#report(ref.id, 'start failed', reason);
      this.#send({ type: 'child.startFailed', at: this.#now(), ...ref, reason, rand: this.#options.clock.random() });
    }
  }

  async #stopChild(ref: Ref, hard: boolean): Promise<void> {
    const held = this.#running.get(ref.id);
    if (held === undefined || held.gen !== ref.gen) return;
    try {
      await held.service.stop(hard);
    } catch (cause) {
      // It is down all the same: nothing of it may be used again.
      this.#report(ref.id, 'stop failed', reasonOf(cause));
    }
    if (this.#running.get(ref.id) !== held) return;
    this.#running.delete(ref.id);
    this.#send({ type: 'child.exited', at: this.#now(), ...ref, normal: true, reason: 'stopped', rand: 0.5 });
  }

  #exited(ref: Ref, cause: unknown): void {
    const held = this.#running.get(ref.id);
    if (held !== undefined && held.gen === ref.gen) {
      this.#running.delete(ref.id);
      // Whatever it still holds is let go; its exit is reported all the same.
      held.service.stop(true).catch((error: unknown) => this.#report(ref.id, 'stop failed', reasonOf(error)));
    }
    const reason = reasonOf(cause);
    this.#report(ref.id, 'failed', reason);
    const rand = this.#options.clock.random();
    this.#send({ type: 'child.exited', at: this.#now(), ...ref, normal: false, reason, rand });
  }

  #setTimer(key: string, dueAt: EpochMs | null, event: { readonly type: string } & Ref): void {
    this.#clearTimer(key);
    if (dueAt === null) return;
    const fire = (): void => {
      this.#timers.delete(key);
      this.#send({ ...event, at: this.#now() } as SupervisorEvent);
    };
    this.#timers.set(key, this.#options.clock.after(Math.max(0, dueAt - this.#now()), fire));
  }

  #clearTimer(key: string): void {
    this.#timers.get(key)?.();
    this.#timers.delete(key);
  }

  #untilState(isThere: (state: TreeState) => boolean): Promise<TreeState> {
    return new Promise((resolve) => {
      if (isThere(this.#snapshot())) return resolve(this.#snapshot());
      const subscription = this.#actor.subscribe({
        next: (state) => {
          if (!isThere(state)) return;
          resolve(state);
          subscription.unsubscribe();
        },
        complete: () => resolve(this.#snapshot()),
      });
    });
  }

  #snapshot(): TreeState {
    return this.#actor.getSnapshot();
  }

  #send(event: SupervisorEvent): void {
    if (this.#snapshot().status === 'active') this.#actor.send(event);
  }

  #serviceOf({ id }: Ref): Service {
    const service = this.#options.services.find((candidate) => candidate.id === id);
    if (service === undefined) throw new Error(`no service ${id}`);
    return service;
  }

  #now(): EpochMs {
    return this.#options.clock.now();
  }

  #report(service: string, what: string, reason: string): void {
    const report: TreeReport = { at: this.#now(), service, what, reason };
    this.#reports.push(report);
    if (this.#reports.length > REPORTS_MAX) this.#reports.shift();
    this.#options.report(report);
  }
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).slice(0, 1_000);
