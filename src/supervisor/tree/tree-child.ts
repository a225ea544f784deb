/**
 * A part of the supervisor process that can fail and be started again without the others.
 *
 * V1. `start` resolves when the service does its work; `fail` is called at most once, when it cannot any more.
 * V2. `stop` detaches: it ends no process of a run. Only `stop --now` and `cancel` do, through the machines.
 */
import type { Restart } from '../../machines/supervisor/model.ts';

export type RunningService = {
  /** `hard`: give up at once whatever is still pending. */
  stop(hard: boolean): Promise<void>;
};

export type Service = {
  readonly id: string;
  readonly restart: Restart;
  /** How long a stop may take before it is a hard one, in ms. */
  readonly shutdownMs: number;
  start(fail: (cause: unknown) => void): Promise<RunningService>;
};
