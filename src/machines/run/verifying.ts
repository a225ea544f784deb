/** `verifying`: the agent leaves, the system commits what changed, the runner verifies exactly that commit. Part of the chart in machine.ts. */
import {
  endable,
  endAs,
  fresh,
  readopt,
  recordLateExit,
  report,
  runnerLost,
  sealWork,
  verifyWork,
} from './requests.ts';
import { runSetup } from './setup.ts';

export const verifying = runSetup.createStateConfig({
  initial: 'sealing',
  on: { 'agent.exited': recordLateExit, ...readopt, ...runnerLost, ...endable },
  states: {
    sealing: {
      entry: sealWork,
      on: {
        'work.sealed': [
          {
            guard: { type: 'isSealedWithEnd', params: ({ event }) => event },
            target: '#run.completing',
            actions: [
              { type: 'recordSeal', params: ({ event }) => event },
              {
                type: 'recordEnd',
                params: ({ context }) => ({
                  end: context.pendingEnd ?? 'partial',
                  message: context.completion?.summary.slice(0, 1_000) ?? '',
                }),
              },
            ],
          },
          {
            guard: { type: 'isSealedForCheck', params: ({ event }) => event },
            target: 'checking',
            actions: { type: 'recordSeal', params: ({ event }) => event },
          },
          {
            guard: { type: 'isSealedInScope', params: ({ event }) => event },
            target: '#run.completing',
            actions: [{ type: 'recordSeal', params: ({ event }) => event }, endAs('succeeded').actions],
          },
          {
            guard: { type: 'isSealedOutOfScope', params: ({ event }) => event },
            target: '#run.completing',
            actions: [{ type: 'recordSeal', params: ({ event }) => event }, endAs('scope_violated').actions],
          },
        ],
        'effect.failed': {
          ...endAs('effect_failed'),
          guard: { type: 'failedOf', params: ({ event }) => ({ event, effect: 'sealWork' }) },
        },
      },
    },
    checking: {
      entry: verifyWork,
      on: {
        'verification.finished': [
          {
            guard: { type: 'isGreen', params: ({ event }) => event },
            target: '#run.completing',
            actions: [report, endAs('succeeded').actions],
          },
          {
            guard: { type: 'isGreenOutOfScope', params: ({ event }) => event },
            target: '#run.completing',
            actions: [report, endAs('scope_violated').actions],
          },
          { guard: fresh, target: '#run.completing', actions: [report, endAs('verification_red').actions] },
        ],
        'effect.failed': {
          ...endAs('effect_failed'),
          guard: { type: 'failedOf', params: ({ event }) => ({ event, effect: 'verifyWork' }) },
        },
      },
    },
  },
});
