/** A plan after it was read: defaults applied, every reference known to exist. `null` leaves the value to the configuration. */
import type { RestartPolicy, RetryPolicy } from '../../machines/task/model.ts';
import type { CommandLine } from '../../supervisor/runners/contract.ts';
import type { RuntimeMode, TaskSpec } from '../../supervisor/specs/task-spec.ts';

export type PlanDependency = { readonly id: string; readonly needs: 'code' | 'order' };

export type PlanTask = {
  readonly id: string;
  readonly title: string;
  readonly agent: TaskSpec['agent'];
  readonly run: CommandLine | null;
  readonly prompt: string | null;
  readonly dependsOn: readonly PlanDependency[];
  /** null: the objective's base. */
  readonly base: string | null;
  readonly workerName: string | null;
  readonly writeScope: readonly string[];
  readonly verify: readonly CommandLine[] | null;
  readonly completion: TaskSpec['completion'];
  readonly retry: RetryPolicy;
  readonly restart: RestartPolicy;
  /** ms; 0 = off. */
  readonly timeoutMs: number | null;
  readonly idleMs: number | null;
  readonly env: Readonly<Record<string, string>>;
  readonly runtimeMode: RuntimeMode;
};

export type Plan = {
  readonly objective: string;
  readonly maxConcurrency: number | null;
  readonly setup: readonly CommandLine[] | null;
  /** In the order of the file: that is the order of creation and of merges. */
  readonly tasks: readonly PlanTask[];
};
