/** Cases of the supervisor: three children, one of each restart kind, under every strategy; each of them exits in every way. */
import {
  SUPERVISOR_EFFECT_SCHEMAS,
  SupervisorContextSchema,
  SupervisorEventSchema,
  SupervisorSpecSchema,
  type SupervisorContext,
  type SupervisorSpec,
} from '../../../src/machines/supervisor/model.ts';
import { supervisorMachine } from '../../../src/machines/supervisor/machine.ts';
import type { MachineCases } from '../graph/machine-cases.ts';
import type { MachineEvent, Snapshot } from '../graph/stepper.ts';
import { keyOf, later } from './samples.ts';

const at = later(5);
const spec: SupervisorSpec = {
  strategy: 'one_for_one',
  intensity: 1,
  periodMs: 5_000,
  backoff: { minMs: 100, maxMs: 10_000, resetAfterMs: 60_000 },
  children: [
    { id: 'a', restart: 'permanent', shutdownMs: 100 },
    { id: 'b', restart: 'transient', shutdownMs: 0 },
    { id: 'c', restart: 'temporary', shutdownMs: 100 },
  ],
};

/** Time does not go back behind the newest restart. */
const now = ({ context }: Snapshot): number => (context as SupervisorContext).restarts.at(-1) ?? at;
const genOf = (snapshot: Snapshot, id: string): number =>
  Math.max(1, (snapshot.context as SupervisorContext).children.find((child) => child.id === id)?.gen ?? 1);
const about =
  (type: string, id: string, fields: object = {}) =>
  (snapshot: Snapshot): MachineEvent => ({ type, at: now(snapshot), id, gen: genOf(snapshot, id), ...fields });

const ids = ['a', 'b', 'c'];
const ofEach = (name: string, type: string, fields: object = {}) =>
  Object.fromEntries(ids.map((id) => [`${type} ${id}${name}`, about(type, id, fields)]));

/** Relative to the oldest restart that still counts. */
const atPeriod =
  (ms: number, type = 'child.exited') =>
  (snapshot: Snapshot): MachineEvent => ({
    ...about(
      type,
      'a',
      type === 'child.exited' ? { normal: false, reason: 'crashed', rand: 0 } : { reason: 'no', rand: 0 },
    )(snapshot),
    at: ((snapshot.context as SupervisorContext).restarts[0] ?? at) + spec.periodMs + ms,
  });

export const supervisorCases: MachineCases = {
  name: 'supervisor',
  machine: supervisorMachine,
  inputSchema: SupervisorSpecSchema,
  eventSchema: SupervisorEventSchema,
  contextSchema: SupervisorContextSchema,
  actionSchemas: SUPERVISOR_EFFECT_SCHEMAS,
  inputs: {
    one_for_one: { ...spec, intensity: 2 },
    rest_for_one: { ...spec, strategy: 'rest_for_one' },
    one_for_all: { ...spec, strategy: 'one_for_all' },
    'without backoff': { ...spec, strategy: 'one_for_all', backoff: { minMs: 0, maxMs: 0, resetAfterMs: 0 } },
    childless: { ...spec, children: [] },
  },
  cases: {
    'supervisor.start': () => ({ type: 'supervisor.start', at }),
    'supervisor.stop': () => ({ type: 'supervisor.stop', at, reason: 'asked to' }),
    ...ofEach('', 'child.started'),
    ...ofEach(' normally', 'child.exited', { normal: true, reason: 'done', rand: 0 }),
    ...ofEach(' abnormally', 'child.exited', { normal: false, reason: 'crashed', rand: 0.5 }),
    ...ofEach('', 'child.startFailed', { reason: 'no socket', rand: 0.25 }),
    ...ofEach('', 'timer.restart'),
    ...ofEach('', 'timer.kill'),
    'child.exited a at the end of the period': atPeriod(0),
    'child.exited a after the period': atPeriod(1),
    'child.startFailed a at the end of the period': atPeriod(0, 'child.startFailed'),
    'child.startFailed a after the period': atPeriod(1, 'child.startFailed'),
    'child.exited a, an earlier start': (snapshot) => ({
      type: 'child.exited',
      at,
      id: 'a',
      gen: genOf(snapshot, 'a') + 1,
      normal: false,
      reason: 'late',
      rand: 0,
    }),
    'child.started of a stranger': () => ({ type: 'child.started', at, id: 'stranger', gen: 1 }),
    'timer.kill a, an earlier start': (snapshot) => ({
      type: 'timer.kill',
      at,
      id: 'a',
      gen: genOf(snapshot, 'a') + 1,
    }),
  },
  key: ({ value, status, context }) => {
    const { children, restarts, defeated } = context as SupervisorContext;
    const states = children.map(({ state, afterStop, gen }) => [state, afterStop, Math.min(gen, 1)]);
    return keyOf(
      value,
      status,
      states,
      restarts.map((time) => time - (restarts[0] ?? 0)),
      defeated,
    );
  },
  unreachable: {},
  expendableEffects: {},
  equivalentMutants: {},
};
