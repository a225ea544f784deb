/** The services that every supervisor has, in the order in which they are started. */
import { maintenanceService, type MaintenanceParts } from './maintenance.ts';
import { reconcileWorkers } from './reconcile.ts';
import type { RunParts } from './runs/run-parts.ts';
import type { createRunnerIntake } from './runs/runner-intake.ts';
import { startRunMonitor, type RunMonitor } from './runs/run-monitor.ts';
import { startScheduler, type Scheduler } from './scheduler/scheduler.ts';
import type { Service } from './tree/tree-child.ts';

/** What the services put here while they run; null while they are being restarted. */
export type HeldServices = { scheduler: Scheduler | null; monitor: RunMonitor | null };

export type CoreMaintenance = Omit<MaintenanceParts, 'kernel' | 'clock'>;

export function coreServices(
  given: {
    readonly parts: RunParts;
    readonly projectMax: number;
    /** Absent: nothing is kept in order, as in a simulation without files. */
    readonly maintenance?: CoreMaintenance;
  },
  intake: ReturnType<typeof createRunnerIntake>,
  held: HeldServices,
): readonly Service[] {
  return [
    {
      id: 'runs',
      restart: 'permanent',
      shutdownMs: 1_000,
      start: async () => {
        const monitor = startRunMonitor(given.parts, (runId, epoch, entries) => intake.deliver(runId, epoch, entries));
        held.monitor = monitor;
        await monitor.adopt();
        return { stop: async () => monitor.stop() };
      },
    },
    {
      id: 'scheduler',
      restart: 'permanent',
      shutdownMs: 1_000,
      start: async () => {
        const scheduler = await startScheduler(given.parts, { projectMax: given.projectMax });
        held.scheduler = scheduler;
        return {
          stop: async () => {
            held.scheduler = null;
            await scheduler.stop();
          },
        };
      },
    },
    {
      id: 'reconciler',
      restart: 'transient',
      shutdownMs: 1_000,
      start: async () => {
        await reconcileWorkers(given.parts);
        return { stop: async () => undefined };
      },
    },
    ...(given.maintenance === undefined
      ? []
      : [maintenanceService({ ...given.maintenance, kernel: given.parts.kernel, clock: given.parts.clock })]),
  ];
}
