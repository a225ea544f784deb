/**
 * How supervisor and runner reach each other, without saying over what: hosts/rpc carries it over a unix socket, the simulation
 * over a queue.
 *
 * L1. A link is one connection of one instance. When it closes, the runner may still live: only the process table says.
 */
import type { Heartbeat, ReadyAnswer, ReportResult, RunnerReady, RunnerReport } from '../runners/protocol.ts';

/** One connected runner, seen from the supervisor. */
export interface RunnerLink {
  /**
   * Calls a method of INSTRUCTIONS.
   * @throws ConductorError `supervisor_unreachable` (retryable) when the link closes or `timeoutMs` passes first.
   */
  call(method: string, params: unknown, timeoutMs: number): Promise<unknown>;
  close(): void;
}

/** What the supervisor answers to runners. Every method checks the token first and throws `not_permitted` for a forged one. */
export interface RunnerIntake {
  /** `granted` only after it is committed. The link serves instructions from then on. */
  ready(message: RunnerReady, link: RunnerLink): Promise<ReadyAnswer>;
  /** One result per entry, in order. */
  report(message: RunnerReport): Promise<readonly ReportResult[]>;
  heartbeat(message: Heartbeat): void;
  /** The connection of this link is gone. */
  closed(link: RunnerLink): void;
}
