/**
 * Goal: the charts fit together. A fact about a run is never refused because another machine does not take what it is told of
 * it, and all of them agree about who works where: a run that could not end would hold its worker and its task for ever.
 * Method: task, runs, worker, gates and objective in one map, tells delivered at once and taken back as a whole when a
 * required one is ignored, as in the kernel; random words from outside.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { kindOfId, type ActorKind } from '../../src/machines/ids.ts';
import { MACHINES, describeActor } from '../../src/machines/registry.ts';
import type { TaskContext } from '../../src/machines/task/model.ts';
import type { WorkerContext } from '../../src/machines/worker/model.ts';
import { gateCases } from './cases/gate.ts';
import { objectiveCases } from './cases/objective.ts';
import { runCases } from './cases/run.ts';
import { sampleObjective, sampleTask } from './cases/samples.ts';
import { taskCases } from './cases/task.ts';
import { workerCases } from './cases/worker.ts';
import type { Case } from './graph/machine-cases.ts';
import {
  createStepper,
  type MachineEvent,
  type NamedAction,
  type Outcome,
  type Snapshot,
  type Stepper,
} from './graph/stepper.ts';

/** What comes from outside; everything else is told by machines. */
const fromOutside: Record<ActorKind, RegExp> = {
  objective: /^objective\.update/,
  task: /^task\.(?:assign|start|cancel|retry|accept)|^timer/,
  worker: /^worker\.(?:broke by a reconcile|recover|cleaned|refused)|^worker\.cleanup$|^effect/,
  run: /^(?!gate\.resolved|run\.dispatch$)/,
  gate: /^gate\.(?:approve|reject|cancel)/,
};
const subjectOf = { objective: objectiveCases, task: taskCases, worker: workerCases, run: runCases, gate: gateCases };
const outside = Object.fromEntries(
  Object.entries(subjectOf).map(([kind, { cases }]) => [
    kind,
    Object.entries(cases).filter(([name]) => fromOutside[kind as ActorKind].test(name)),
  ]),
) as Record<ActorKind, [string, Case][]>;
const steppers = Object.fromEntries(
  Object.entries(MACHINES).map(([kind, { machine }]) => [kind, createStepper(machine)]),
) as Record<ActorKind, Stepper>;

class Refused extends Error {}
type World = { readonly actors: Map<string, Snapshot>; readonly relations: Set<string> };
type Tell = { to: string | { relation: string; of: string } | null; event: MachineEvent; mode: string };

const kindOf = (id: string): ActorKind => kindOfId(id) as ActorKind;

function carryOut(world: World, { type, params }: NamedAction): void {
  if (type === 'tell') return tell(world, params as Tell);
  const { id, input, relation, from, to } = params as Record<string, string>;
  if (type === 'relate' && from !== null) world.relations.add(`${relation ?? ''} ${from ?? ''} ${to ?? ''}`);
  if (type !== 'createActor' || id === undefined || world.actors.has(id)) return undefined;
  return settle(world, id, steppers[kindOf(id)].init(input as unknown as object));
}

function tell(world: World, { to, event, mode }: Tell): void {
  if (to === null) return;
  const receivers =
    typeof to === 'string'
      ? [to]
      : [...world.relations]
          .filter((row) => row.startsWith(`${to.relation} ${to.of} `))
          .map((row) => row.split(' ')[2] ?? '');
  for (const receiver of receivers) {
    const snapshot = world.actors.get(receiver);
    // Actors that this small world does not have take everything.
    if (snapshot === undefined) continue;
    const outcome = steppers[kindOf(receiver)].step(snapshot, event);
    if (outcome.taken.length === 0 && mode === 'required')
      throw new Refused(`${receiver} in ${JSON.stringify(snapshot.value)} does not take ${event.type}`);
    if (outcome.taken.length > 0) settle(world, receiver, outcome);
  }
}

function settle(world: World, id: string, { snapshot, actions }: Outcome): void {
  world.actors.set(id, snapshot);
  for (const action of actions) carryOut(world, action);
}

/** @returns why it was refused; null: it was committed or ignored. */
function deliver(world: World, id: string, event: MachineEvent): string | null {
  const before = { actors: new Map(world.actors), relations: new Set(world.relations) };
  try {
    tell(world, { to: id, event, mode: 'notify' });
    return null;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    world.actors.clear();
    for (const [key, snapshot] of before.actors) world.actors.set(key, snapshot);
    return error.message;
  }
}

function newWorld(): World {
  const world: World = { actors: new Map(), relations: new Set() };
  const objective = steppers.objective.init({ ...objectiveCases.inputs['live'] });
  settle(world, sampleObjective(1), objective);
  settle(world, sampleTask(1), steppers.task.init({ ...taskCases.inputs['free'] }));
  return world;
}

/** A word to the actor that was drawn, preferably one that it takes. */
function draw(world: World, pick: number): { id: string; event: MachineEvent } | null {
  const living = [...world.actors].filter(([, { status }]) => status === 'active');
  const [id, snapshot] = living[pick % living.length] as [string, Snapshot];
  // A new worker has a new id: whoever draws ids outside sees to that.
  const isFresh = ({ newWorker, workerId }: MachineEvent): boolean =>
    newWorker === undefined || newWorker === null || !world.actors.has(String(workerId));
  const words = outside[kindOf(id)].map(([, make]) => make(snapshot)).filter(isFresh);
  const taken = words.filter((event) => steppers[kindOf(id)].step(snapshot, event).taken.length > 0);
  const event = taken[Math.floor(pick / living.length) % taken.length];
  return event === undefined ? null : { id, event };
}

const histories = fc.array(fc.nat(1_000_000), { minLength: 20, maxLength: 150 });

test('no fact about a run is refused, whatever happened to the others', () => {
  let ended = 0;
  fc.assert(
    fc.property(histories, (picks) => {
      const world = newWorld();
      for (const pick of picks) {
        const drawn = draw(world, pick);
        if (drawn === null) continue;
        const refusal = deliver(world, drawn.id, drawn.event);
        // A question that was answered, used or closed takes no further asking; the child is told so.
        if (kindOf(drawn.id) === 'run' && drawn.event.type !== 'child.gate') expect(refusal).toBeNull();
      }
      ended += [...world.actors.keys()].filter((id) => kindOf(id) === 'run').length;
    }),
    { numRuns: 300 },
  );
  expect(ended, 'runs did happen').toBeGreaterThan(300);
});

test('task, run and worker agree about who works where', () => {
  fc.assert(
    fc.property(histories, (picks) => {
      const world = newWorld();
      for (const pick of picks) {
        const drawn = draw(world, pick);
        if (drawn !== null) deliver(world, drawn.id, drawn.event);
        const { activeRunId } = (world.actors.get(sampleTask(1)) as Snapshot).context as TaskContext;
        for (const [id, { value, context }] of world.actors) {
          const kind = kindOf(id);
          if (kind === 'run') expect(describeActor('run', value, context).final).toBe(id !== activeRunId);
          if (kind === 'worker') {
            const { reservedBy } = context as WorkerContext;
            if (reservedBy !== null) expect(reservedBy).toBe(activeRunId);
          }
        }
      }
    }),
    { numRuns: 200 },
  );
});
