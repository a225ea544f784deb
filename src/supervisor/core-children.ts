/** The services that every supervisor has, in the order in which they are started. */
import { maintenanceService, type MaintenanceParts } from './maintenance.ts';
import { reconcileWorkers } from './reconcile.ts';
import type { RunParts } from './runs/run-parts.ts';
import type { createRunnerIntake } from './runs/runner-intake.ts';
import { startRunMonitor, type RunMonitor } from './runs/run-monitor.ts';
import { startScheduler, type Scheduler } from './scheduler/scheduler.ts';
import type { Service } from './tree/tree-child.ts';

/** What the services put here while they run; null while they are being restarted. */
export type HeldServices = {
  scheduler: Scheduler | null;
  monitor: RunMonitor | null;
  /** The supervisor is to stop: nothing new is started. Outlasts every restart of a service. */
  isClosing: boolean;
};

/** Nothing runs yet. */
export const noServices = (): HeldServices => ({ scheduler: null, monitor: null, isClosing: false });

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
        // One that failed is not waited for by the tree, but its last starts are stored before anybody counts what runs.
        await held.scheduler?.idle();
        const isOpen = (): boolean => !held.isClosing;
        const scheduler = await startScheduler(given.parts, { projectMax: given.projectMax, isOpen });
        held.scheduler = scheduler;
        return {
          stop: async () => {
            await scheduler.stop();
            // Whoever is to wait for its last starts finds it until then; after a hard stop the next one may be there already.
            if (held.scheduler === scheduler) held.scheduler = null;
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
