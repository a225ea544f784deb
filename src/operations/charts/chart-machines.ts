/** Every machine that has a chart, by its name: those that are stored, and the one of the supervision tree. */
import type { AnyStateMachine } from 'xstate';
import { ACTOR_KINDS } from '../../machines/ids.ts';
import { MACHINES } from '../../machines/registry.ts';
import { supervisorMachine } from '../../machines/supervisor/machine.ts';

export const CHART_NAMES = [...ACTOR_KINDS, 'supervisor'] as const;
export type ChartName = (typeof CHART_NAMES)[number];

export const CHART_MACHINES: { readonly [Name in ChartName]: AnyStateMachine } = {
  objective: MACHINES.objective.machine,
  task: MACHINES.task.machine,
  worker: MACHINES.worker.machine,
  run: MACHINES.run.machine,
  gate: MACHINES.gate.machine,
  supervisor: supervisorMachine,
};
