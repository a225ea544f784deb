/** What stands behind every address but the one under test: it accepts every message and remembers what it was told. */
import { assign, createMachine } from 'xstate';
import { Type } from 'typebox';
import { MACHINE_SET, type MachineEntry, type MachineSet } from '../../src/supervisor/kernel/machine-set.ts';

/** Messages remembered; a step is compared right after it was made. */
const receivedMax = 8;

export type SinkContext = { readonly input: unknown; readonly count: number; readonly received: readonly unknown[] };

const sinkMachine = createMachine({
  id: 'sink',
  version: 'sink',
  context: ({ input }): SinkContext => ({ input, count: 0, received: [] }),
  initial: 'open',
  states: {
    open: {
      on: {
        '*': {
          actions: assign(({ context, event }) => ({
            count: (context as SinkContext).count + 1,
            received: [...(context as SinkContext).received, event].slice(-receivedMax),
          })),
        },
      },
    },
  },
});

const anything = Type.Unknown();

/** The registry with sinks behind every address but one; `subject` is the machine there, or a mutant of it. */
export const withSinks = (address: string, subject: MachineEntry): MachineSet => ({
  // The subject's version: what an earlier path of the same store left behind stays readable.
  machineOf: (_, id) =>
    id === address
      ? subject
      : { machine: sinkMachine, inputSchema: anything, eventSchema: anything, version: subject.version },
  describe: (actor, snapshot) =>
    actor.id === address
      ? MACHINE_SET.describe(actor, snapshot)
      : {
          state: 'open',
          bucket: null,
          settled: false,
          name: null,
          objectiveId: null,
          taskId: null,
          runId: null,
          workerId: null,
        },
});
