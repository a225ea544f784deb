/** What `conductor_get_services` tells of the processes and services that live now, as the view reads it. */

export type ServiceFacts = {
  readonly id: string;
  readonly state: string;
  readonly restart: string;
  readonly starts: number;
  /** In a row. */
  readonly failures: number;
  readonly upAt: number | null;
  /** When it may start again. */
  readonly notBefore: number | null;
};

export type RunnerFacts = {
  readonly runId: string;
  readonly taskId: string | null;
  readonly epoch: number;
  readonly pid: number | null;
  readonly phase: string | null;
  readonly connected: boolean;
  readonly memoryBytes: number | null;
  /** Of one processor, since the last question. */
  readonly cpuPercent: number | null;
};

export type RestartReport = {
  readonly at: number;
  readonly service: string;
  readonly what: string;
  readonly reason: string;
};

export type Services = {
  /** Null when no supervisor runs. */
  readonly supervisor: {
    readonly pid: number;
    readonly version: string;
    readonly startedAt: number;
    readonly memoryBytes: number | null;
    readonly cpuPercent: number | null;
  } | null;
  /** How many restarts are borne; one more within the period, and the supervisor gives up. */
  readonly budget: {
    readonly strategy: string;
    readonly intensity: number;
    readonly periodMs: number;
    readonly restarts: number;
  } | null;
  readonly services: readonly ServiceFacts[];
  readonly runners: readonly RunnerFacts[];
  /** Newest last. */
  readonly reports: readonly RestartReport[];
};
