/** `starting`: a runner is launched; a lost epoch is fenced, swept and, within its budget, begun anew. Part of the chart in machine.ts. */
import { armRestart, disarmRestart, endable, endAs, runnerLost, startRunner, sweepEpoch } from './requests.ts';
import { runSetup } from './setup.ts';

export const starting = runSetup.createStateConfig({
  initial: 'launching',
  on: endable,
  states: {
    launching: {
      entry: startRunner,
      on: {
        'runner.ready': [
          {
            guard: { type: 'isFirstInstance', params: ({ event }) => event },
            target: '#run.running',
            actions: { type: 'recordGrant', params: ({ event }) => event },
          },
          {
            guard: { type: 'isFirstVerifier', params: ({ event }) => event },
            target: '#run.verifying',
            actions: { type: 'recordGrant', params: ({ event }) => event },
          },
        ],
        ...runnerLost,
        'effect.failed': [
          {
            ...endAs('credentials_missing'),
            guard: { type: 'failedForCredentials', params: ({ event }) => ({ event, effect: 'startRunner' }) },
          },
          {
            ...endAs('runner_unstartable'),
            guard: { type: 'failedOf', params: ({ event }) => ({ event, effect: 'startRunner' }) },
          },
        ],
      },
    },
    fencing: {
      entry: sweepEpoch,
      on: {
        'epoch.swept': [
          {
            guard: { type: 'isSweptClean', params: ({ event }) => event },
            target: 'launching',
            actions: 'recordNextEpoch',
          },
          { guard: { type: 'isSweptAndBacksOff', params: ({ event }) => event }, target: 'backing_off' },
          {
            ...endAs('census_leftover'),
            guard: { type: 'isCurrentEpoch', params: ({ event }) => event.epoch },
          },
        ],
        'effect.failed': {
          ...endAs('census_leftover'),
          guard: { type: 'failedOf', params: ({ event }) => ({ event, effect: 'sweepEpoch' }) },
        },
      },
    },
    backing_off: {
      entry: armRestart,
      exit: disarmRestart,
      on: {
        'timer.restart': {
          guard: { type: 'isRestartDue', params: ({ event }) => event },
          target: 'launching',
          actions: 'recordNextEpoch',
        },
      },
    },
  },
});
