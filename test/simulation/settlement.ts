/** What still moves or hangs although nobody disturbs it: empty once everything has settled or waits for a named reason. */
import { QUEUED_TASK } from '../../src/machines/registry.ts';
import type { GateContext } from '../../src/machines/gate/model.ts';
import type { Supervisor } from './supervisor.ts';
import { workOf } from './virtual-host.ts';
import type { World } from './world.ts';

/** Reasons that are no reason while nothing runs. */
const TRANSIENT =
  /no slot is free|may write the same files|free memory|are busy|is (?:busy|creating|recovering|cleaning)/;

/** @returns one line each, beginning with the id. */
export function whatIsUnsettled(world: World, supervisor: Supervisor | null): readonly string[] {
  if (supervisor?.isReady !== true) return ['supervisor is not up'];
  if (supervisor.isStopping) return ['supervisor is still stopping'];
  const parked = parkedActors(world);
  const moving = [
    ...overdueGates(world),
    ...openEffects(world, parked),
    ...openRuns(world, parked),
    ...openWorkers(world, parked),
  ];
  if (moving.length > 0) return moving;
  return [...openMemory(world, supervisor, parked), ...openTasks(world, supervisor, parked)];
}

type Parked = ReadonlySet<string>;

/** Whoever has an effect that was parked stays where it is, and says so in `doctor`; its slot is taken. */
function parkedActors({ disk, witness }: World): Parked {
  const parked = new Set<string>();
  for (const { state, actor } of disk.outbox.values()) if (state === 'parked') parked.add(actor);
  if (parked.size > 0 && !witness.faults.has('effect parked')) witness.fault('effect parked');
  return parked;
}

/** Whatever has an end is closed after it. */
function* overdueGates({ disk, time }: World): Generator<string> {
  for (const state of ['open', 'approved']) {
    for (const id of disk.ids.of(`gate state ${state}`)) {
      const { expiresAt } = (JSON.parse(disk.actors.get(id)!.snapshot) as { context: GateContext }).context;
      if (expiresAt !== null && expiresAt <= time.wall) yield `${id} is ${state} after its end`;
    }
  }
}

function* openEffects({ disk }: World, parked: Parked): Generator<string> {
  for (const { state, actor, name } of disk.outbox.values()) {
    if (state === 'waiting' && !parked.has(actor)) yield `${actor} waits for ${name}`;
  }
  for (const { actor, key } of disk.timers.values()) yield `${actor} has the timer ${key}`;
}

const isExcused = (run: string | null, { disk }: World, parked: Parked): boolean => {
  if (run === null || parked.size === 0) return false;
  return parked.has(run) || disk.actors.get(run)?.facts.state === 'dispatch_pending';
};

function* openRuns(world: World, parked: Parked): Generator<string> {
  for (const id of world.disk.ids.of('run live')) {
    if (!isExcused(id, world, parked)) yield `${id} is ${world.disk.actors.get(id)!.facts.state}`;
  }
}

function* openWorkers(world: World, parked: Parked): Generator<string> {
  for (const state of ['creating', 'busy', 'recovering', 'cleaning']) {
    for (const id of world.disk.ids.of(`worker state ${state}`)) {
      const { runId } = world.disk.actors.get(id)!.facts;
      if (!parked.has(id) && !isExcused(runId, world, parked)) yield `${id} is ${state}`;
    }
  }
}

function* openMemory({ host }: World, supervisor: Supervisor, parked: Parked): Generator<string> {
  for (const { runId } of supervisor.live.all()) if (!parked.has(runId)) yield `${runId} is in memory`;
  for (const process of host.living()) {
    const { command, identity } = process;
    const runId = workOf(process)?.runId;
    if (runId !== undefined && !parked.has(runId)) yield `${runId} has the process ${command} ${String(identity.pid)}`;
  }
}

/** Tasks of no objective, of a draft and of a canceled one start by name only; asked for, they are in line like the others. */
function* openTasks({ disk }: World, supervisor: Supervisor, parked: Parked): Generator<string> {
  if (parked.size > 0) return;
  for (const id of disk.ids.of('task bucket ready')) {
    const { objectiveId, name } = disk.actors.get(id)!.facts;
    const state = objectiveId === null ? null : disk.actors.get(objectiveId)!.facts.state;
    const isForItself = state !== null && !['draft', 'canceled'].includes(state);
    if (!isForItself && name !== QUEUED_TASK) continue;
    const reason = supervisor.scheduler?.reasonOf(id, objectiveId) ?? null;
    if (reason === null || TRANSIENT.test(reason)) yield `${id} is ready: ${reason ?? 'no reason'}`;
  }
}
