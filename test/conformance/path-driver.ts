/**
 * Drives a path of a machine's graph through the real kernel on a real store and compares everything that a step leaves behind
 * with what the machine itself says: snapshot, effects, tells, timers, journal.
 *
 * The model is the pure machine. After every step kernel and store are closed, and what is compared is what the store holds when it is
 * opened again.
 */
import { isDeepStrictEqual } from 'node:util';
import { RELATIONS, type CreateActor, type Relate, type SetTimer, type Tell } from '../../src/machines/commands.ts';
import { EFFECT_SCHEMAS } from '../../src/machines/effects.ts';
import type { ActorId, EpochMs } from '../../src/machines/ids.ts';
import type { Store } from '../../src/persistence/store.ts';
import { createKernel } from '../../src/supervisor/kernel/create-kernel.ts';
import type { Clock, EventBody, Kernel, Message, Outcome } from '../../src/supervisor/kernel/kernel.ts';
import type { MachineEntry, MachineSet } from '../../src/supervisor/kernel/machine-set.ts';
import type { Path, PathStep } from '../machines/graph/cover.ts';
import type { MachineCases } from '../machines/graph/machine-cases.ts';
import type { NamedAction, Snapshot } from '../machines/graph/stepper.ts';
import { withSinks, type SinkContext } from './sink-machine.ts';

/** Timers are compared, never fired: the cases bring the timers' events themselves. */
const stoppedClock: Clock = {
  now: () => 0 as EpochMs,
  monotonic: () => 0,
  after: () => () => {},
  sleep: async () => {},
  random: () => 0,
};

export type Drive = {
  readonly subject: MachineCases;
  readonly path: Path;
  /** With which the path begins. */
  readonly input: Readonly<Record<string, unknown>>;
  /** The machine under test; a mutant, where mutants are hunted. */
  readonly machine: MachineCases['machine'];
  /** Opens the store of this path, anew each time. */
  readonly open: () => Promise<Store>;
};

/**
 * The same path for other ids: paths that share a store must not meet. Ids keep their ends, by which samples differ, and get the
 * path's number in front; ids that a machine derives from others follow.
 */
export const renumbered = (path: Path, number: number): Path => mapIds(path, number);
export const renumberedInput = (input: object | undefined, number: number): Readonly<Record<string, unknown>> =>
  mapIds({ ...input }, number);

function mapIds<Value>(value: Value, number: number): Value {
  const prefix = String(number).padStart(6, '0');
  const text = JSON.stringify(value).replaceAll(
    /\b(objective|task|worker|run|gate)-[0-9a-z]{6}([0-9a-z]{14})\b/g,
    `$1-${prefix}$2`,
  );
  return JSON.parse(text) as Value;
}

/** @returns the first difference in words, or null when the whole path agrees. */
export async function drive({ subject, path, input, machine, open }: Drive): Promise<string | null> {
  const address = String(input[`${subject.name}Id`]) as ActorId;
  const entry: MachineEntry = {
    machine,
    inputSchema: subject.inputSchema,
    eventSchema: subject.eventSchema,
    version: machine.version ?? '',
  };
  const set = withSinks(address, entry);
  const world: World = { address, set, store: await open(), timers: new Map(), related: new Map(), sinks: new Map() };
  const start: PathStep = {
    case: 'created',
    event: { type: `${subject.name}.created`, at: 0, input },
    ...path.start,
    ignored: false,
  };
  try {
    await relateSinks(world);
    for (const [index, step] of [start, ...path.steps].entries()) {
      const problem = await oneStep(world, step, { open, input: index === 0 ? input : null });
      if (problem !== null) return `${subject.name} step ${String(index)} ${step.case}: ${problem}`;
    }
    return null;
  } finally {
    await world.store.close();
  }
}

type World = {
  readonly address: ActorId;
  readonly set: MachineSet;
  /** Another one after every step. */
  store: Store;
  /** What the machine armed, by key. */
  readonly timers: Map<string, SetTimer>;
  /** Who stands in a relation, by `relation from`, in order. */
  readonly related: Map<string, string[]>;
  /** Messages that every sink should have got. */
  readonly sinks: Map<string, number>;
};

async function oneStep(
  world: World,
  step: PathStep,
  { open, input }: Pick<Drive, 'open'> & { readonly input: Drive['input'] | null },
): Promise<string | null> {
  const { address, store } = world;
  const kernel = await createKernel({
    store,
    clock: stoppedClock,
    handlers: null,
    machines: world.set,
    limits: { validateTells: false },
    onFatal: (reason) => {
      throw new Error(reason);
    },
  });
  try {
    const told = tellsOf(world, step.actions);
    await createSinks(world, kernel, told);
    const lastSeq = await store.lastSeq();
    const event = step.event as EventBody;
    const message: Message =
      input === null ? { kind: 'event', to: address, event } : { kind: 'create', id: address, input };
    const outcome = await kernel.post({ messages: [message], principal: 'system' });
    await kernel.stop();
    await store.close();
    world.store = await open();
    return (
      compareOutcome(step, outcome) ??
      (await compareSnapshot(world, step.snapshot)) ??
      (await compareJournal(world, step, lastSeq)) ??
      (await compareEffects(world, step, lastSeq)) ??
      (await compareTimers(world, step.actions)) ??
      (await compareTells(world, step, told))
    );
  } catch (error) {
    return `the kernel threw: ${error instanceof Error ? error.message : String(error)}`;
  } finally {
    await kernel.stop();
  }
}

/** One sink stands in every relation of the subject, as if others had put it there: no tell to a relation goes to nobody. */
async function relateSinks({ store, address, related }: World): Promise<void> {
  const relations = RELATIONS.map((relation) => {
    const to = `${relation === 'gate' ? 'gate' : 'task'}${address.slice(address.indexOf('-'), -1)}${relation[0]!}`;
    related.set(`${relation} ${address}`, [to]);
    return { relation, from: address, to };
  });
  const nothing = {
    actors: [],
    journal: [],
    outbox: [],
    outboxUpdates: [],
    timers: [],
    timersCleared: [],
    requests: [],
  };
  const noCargo = { blobs: [], artifacts: [], deadLetters: [], continuations: [], continuationsAdvanced: [] };
  const result = await store.commit({ owner: store.owner, at: 0 as EpochMs, relations, ...nothing, ...noCargo });
  if (result.kind !== 'committed') throw new Error(`the edges were not stored: ${result.kind}`);
}

type Told = { readonly to: string; readonly event: unknown };

/** Who is told what by a step, relations resolved, in order. Relations that the step itself adds to come first. */
function tellsOf(world: World, actions: readonly NamedAction[]): Told[] {
  const told: Told[] = [];
  for (const { type, params } of actions) {
    if (type === 'relate') {
      const { relation, from, to } = params as Relate;
      if (from === null) continue;
      const key = `${relation} ${from}`;
      const rows = world.related.get(key) ?? [];
      if (!rows.includes(to)) world.related.set(key, [...rows, to]);
    }
    if (type !== 'tell') continue;
    const { to, event } = params as Tell;
    if (to === null) continue;
    const receivers = typeof to === 'string' ? [to] : (world.related.get(`${to.relation} ${to.of}`) ?? []);
    for (const receiver of receivers) told.push({ to: receiver, event });
  }
  return told;
}

/** Whoever will be told something is there: that the machine's own creations come first is the machine's own test. */
async function createSinks(world: World, kernel: Kernel, told: readonly Told[]): Promise<void> {
  for (const { to } of told) {
    if (world.sinks.has(to) || to === world.address) continue;
    await kernel.post({ messages: [{ kind: 'create', id: to as ActorId, input: {} }], principal: 'system' });
    world.sinks.set(to, 0);
  }
}

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value)) as unknown;

function differs(what: string, is: unknown, should: unknown): string | null {
  if (isDeepStrictEqual(json(is), json(should))) return null;
  return `${what} is ${JSON.stringify(is)}, the machine says ${JSON.stringify(should)}`;
}

function compareOutcome(step: PathStep, outcome: Outcome): string | null {
  return differs('the outcome', outcome.kind, step.ignored ? 'ignored' : 'applied');
}

async function compareSnapshot(
  { store, address }: World,
  { value, status, context }: Snapshot,
): Promise<string | null> {
  const stored = await store.getActor(address);
  return differs('the snapshot', stored?.snapshot, { status, value, context });
}

async function compareJournal({ store, address }: World, step: PathStep, after: number): Promise<string | null> {
  const entries = (await store.listJournal({ actor: address, after, limit: 100 })).filter(
    ({ kind }) => kind === 'transition',
  );
  if (step.ignored) return differs('the journal', entries.length, 0);
  const [entry, ...more] = entries;
  const replayed = await store.snapshotAt(address, await store.lastSeq());
  const { value, status, context } = step.snapshot;
  return (
    differs('the number of entries', more.length, 0) ??
    differs('the entry’s event', entry?.event.type, step.event.type) ??
    differs('the transitions taken', entry?.taken, step.taken) ??
    differs('the snapshot of the journal', replayed, { status, value, context })
  );
}

async function compareEffects({ store, address }: World, step: PathStep, after: number): Promise<string | null> {
  const asked = step.actions.filter(({ type }) => type in EFFECT_SCHEMAS);
  const rows = (await store.listOutbox()).filter(
    ({ key, actor }) => actor === address && Number(key.split('/')[1]) > after,
  );
  return differs(
    'the outbox',
    rows.map(({ name, params }) => ({ type: name, params })),
    asked.map(({ type, params }) => ({ type, params })),
  );
}

const byKey = (left: { readonly key: string }, right: { readonly key: string }): number =>
  left.key.localeCompare(right.key);

async function compareTimers(world: World, actions: readonly NamedAction[]): Promise<string | null> {
  for (const { type, params } of actions) {
    if (type === 'clearTimer') world.timers.delete((params as { readonly key: string }).key);
    if (type === 'setTimer' && (params as SetTimer).dueAt !== null)
      world.timers.set((params as SetTimer).key, params as SetTimer);
  }
  const rows = (await world.store.listTimers()).filter(({ actor }) => actor === world.address);
  return differs(
    'the timers',
    rows.map(({ key, dueAt, event }) => ({ key, dueAt, event })).toSorted(byKey),
    Array.from(world.timers.values(), ({ key, dueAt, event }) => ({ key, dueAt, event })).toSorted(byKey),
  );
}

async function compareTells(world: World, step: PathStep, told: readonly Told[]): Promise<string | null> {
  for (const { type, params } of step.actions) {
    if (type !== 'createActor') continue;
    const { id, input } = params as CreateActor;
    const created = (await world.store.getActor(id))?.snapshot.context as SinkContext | undefined;
    if (created === undefined) return `${id} was not created`;
    if (!world.sinks.has(id)) {
      world.sinks.set(id, 0);
      const problem = differs(`the input of ${id}`, created.input, input);
      if (problem !== null) return problem;
    }
  }
  for (const [to, events] of Map.groupBy(told, (one) => one.to)) {
    if (to === world.address) continue;
    const { count, received } = (await world.store.getActor(to))!.snapshot.context as unknown as SinkContext;
    const should = (world.sinks.get(to) ?? 0) + events.length;
    const expected = events.map(({ event }) => event);
    const problem =
      differs(`the number of messages of ${to}`, count, should) ??
      differs(`what ${to} was told`, received.slice(-expected.length), expected);
    if (problem !== null) return problem;
    world.sinks.set(to, should);
  }
  return null;
}
