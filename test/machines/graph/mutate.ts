/**
 * Machines with one fault each: a guard removed, a target swapped, an action dropped, a number of a guard off by one, an
 * identity check that always passes. A suite that does not notice one of them would not notice that fault in the real chart.
 *
 * A mutant is a whole machine, so that a suite can load it wherever it loads the real one.
 */
import { createMachine, type AnyStateMachine } from 'xstate';
import type { Path, PathStep } from './cover.ts';
import type { MachineCases } from './machine-cases.ts';
import { createStepper, type Outcome, type Snapshot } from './stepper.ts';

export type MutantKind = 'guard removed' | 'target swapped' | 'action dropped' | 'number shifted' | 'check blinded';
export type Mutant = {
  /** Stable: kind and place. */
  readonly id: string;
  readonly kind: MutantKind;
  readonly machine: AnyStateMachine;
};

type Config = Record<string, unknown>;
type Transition = { guard?: unknown; target?: unknown; actions: unknown[] } & Config;
type StateConfig = {
  entry: unknown[];
  exit: unknown[];
  always: Transition[];
  on: Record<string, Transition[]>;
  states: Record<string, StateConfig>;
} & Config;
type Place = { readonly name: string; readonly node: StateConfig; readonly siblings: readonly string[] };
type Guard = (args: { readonly context: Config; readonly event: Config }, params: unknown) => boolean;
type Implementations = { readonly guards: Readonly<Record<string, Guard>> } & Config;

/** Fields of a context that name who or what an event may be about, with the event's field that is compared with them. */
const identities: Readonly<Record<string, string>> = {
  epoch: 'epoch',
  instance: 'instance',
  activeRunId: 'runId',
  reservedBy: 'runId',
  heldFor: 'taskId',
  workerId: 'workerId',
  waitingGateId: 'gateId',
  reviewGateId: 'gateId',
  operation: 'operation',
  targetRevision: 'revision',
};

const listOf = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? [...(value as unknown[])] : [value];

const transitionOf = (value: unknown): Transition => {
  if (typeof value === 'string') return { target: value, actions: [] };
  const config = value as Config;
  return { ...config, actions: listOf(config['actions']) };
};

/** A copy in which everything is a list and nothing is shared, so that one place can be changed alone. */
function copyOf(config: Config): StateConfig {
  const on = Object.entries((config['on'] ?? {}) as Config).map(
    ([event, branches]) => [event, listOf(branches).map(transitionOf)] as const,
  );
  const states = Object.entries((config['states'] ?? {}) as Record<string, Config>);
  return {
    ...config,
    entry: listOf(config['entry']),
    exit: listOf(config['exit']),
    always: listOf(config['always']).map(transitionOf),
    on: Object.fromEntries(on),
    states: Object.fromEntries(states.map(([key, state]) => [key, copyOf(state)])),
  };
}

const placesOf = (node: StateConfig, name: string, siblings: readonly string[]): Place[] => [
  { name, node, siblings },
  ...Object.entries(node.states).flatMap(([key, state]) => placesOf(state, `${name}.${key}`, Object.keys(node.states))),
];

/** Empty blocks are left out again: an empty `states` would make a leaf compound. */
function cleaned(node: StateConfig): Config {
  const { states, on, always, ...rest } = node;
  return {
    ...rest,
    on,
    ...(always.length > 0 ? { always } : {}),
    ...(Object.keys(states).length > 0
      ? { states: Object.fromEntries(Object.entries(states).map(([key, state]) => [key, cleaned(state)])) }
      : {}),
  };
}

type Edit = { readonly id: string; readonly kind: MutantKind; readonly apply: () => void };

const nameOf = (named: unknown): string =>
  typeof named === 'string' ? named : ((named as { type?: string } | undefined)?.type ?? '(inline)');

function editsOfTransition(where: string, transition: Transition, siblings: readonly string[]): Edit[] {
  const edits: Edit[] = [...dropsOf(where, transition.actions)];
  if (transition.guard !== undefined)
    edits.push({
      id: `${where}: without ${nameOf(transition.guard)}`,
      kind: 'guard removed',
      apply: () => delete transition.guard,
    });
  if (typeof transition.target === 'string' && !transition.target.startsWith('#')) {
    const other = siblings.find((key) => key !== transition.target && key !== 'created' && key !== 'choosing');
    if (other !== undefined)
      edits.push({ id: `${where}: to ${other}`, kind: 'target swapped', apply: () => (transition.target = other) });
  }
  return edits;
}

const dropsOf = (where: string, actions: unknown[]): Edit[] =>
  actions.map((action, index) => ({
    id: `${where}: drops ${nameOf(action)}#${String(index)}`,
    kind: 'action dropped',
    apply: () => void actions.splice(index, 1),
  }));

/** All edits of one copy; the same call on another copy gives the same edits in the same order. */
function editsOf(root: StateConfig, machine: string): Edit[] {
  return placesOf(root, machine, []).flatMap(({ name, node, siblings }) => [
    ...dropsOf(`${name} entry`, node.entry),
    ...dropsOf(`${name} exit`, node.exit),
    ...[...Object.entries(node.on), ['always', node.always] as const].flatMap(([event, branches]) =>
      branches.flatMap((transition, index) =>
        editsOfTransition(`${name} ${event}${branches.length > 1 ? `[${String(index)}]` : ''}`, transition, siblings),
      ),
    ),
  ]);
}

function structuralMutants(machine: AnyStateMachine): Mutant[] {
  const count = editsOf(copyOf(machine.config), machine.id).length;
  return Array.from({ length: count }, (_, index) => {
    const root = copyOf(machine.config);
    const edit = editsOf(root, machine.id)[index] as Edit;
    edit.apply();
    return {
      id: edit.id,
      kind: edit.kind,
      machine: createMachine(cleaned(root) as never, machine.implementations as never),
    };
  });
}

const withGuard = (machine: AnyStateMachine, name: string, guard: Guard): AnyStateMachine => {
  const implementations = machine.implementations as unknown as Implementations;
  return createMachine(machine.config, {
    ...implementations,
    guards: { ...implementations.guards, [name]: guard },
  } as never);
};

/** `a.b` replaced in a copy. */
function withValue(context: Config, path: string, change: (value: unknown) => unknown): Config {
  const [head = '', ...rest] = path.split('.');
  const value = context[head];
  if (rest.length === 0) return { ...context, [head]: change(value) };
  return typeof value === 'object' && value !== null
    ? { ...context, [head]: withValue(value as Config, rest.join('.'), change) }
    : context;
}

const shifted = (by: number) => (value: unknown) => (typeof value === 'number' ? value + by : value);

/** A scalar that a guard looked at, and whether an event carried what it may have been compared with. */
type Read = { readonly value: unknown; compared: boolean };

/** Which scalar fields of the context each guard reads, found by watching it on the given paths. */
function readsOf({ machine, inputs }: MachineCases, paths: readonly Path[]): Map<string, Map<string, Read>> {
  const reads = new Map<string, Map<string, Read>>();
  const watch = (context: Config, into: Map<string, Read>, prefix = ''): Config =>
    new Proxy(
      { ...context },
      {
        get(target, key) {
          const value = target[key as string];
          if (typeof key !== 'string') return value;
          const path = `${prefix}${key}`;
          if (typeof value === 'object' && value !== null && !Array.isArray(value))
            return watch(value as Config, into, `${path}.`);
          if (typeof value === 'string' || typeof value === 'number')
            into.set(path, { value, compared: into.get(path)?.compared ?? false });
          return value;
        },
      },
    );
  const { guards } = machine.implementations as unknown as Implementations;
  const watching = Object.entries(guards).map(([name, guard]): [string, Guard] => {
    const into = new Map<string, Read>();
    reads.set(name, into);
    return [
      name,
      ({ context, event }, params) => {
        const answer = guard({ context: watch(context, into), event }, params);
        for (const [path, read] of into) read.compared ||= (identities[path] ?? '') in event;
        return answer;
      },
    ];
  });
  const watched = createMachine(machine.config, {
    ...machine.implementations,
    guards: Object.fromEntries(watching),
  } as never);
  for (const path of paths) difference(watched, path, inputs[path.input] ?? {});
  return reads;
}

function guardMutants(subject: MachineCases, paths: readonly Path[]): Mutant[] {
  const { machine } = subject;
  const { guards } = machine.implementations as unknown as Implementations;
  return [...readsOf(subject, paths)].flatMap(([name, fields]) =>
    [...fields].flatMap(([path, { value, compared }]): Mutant[] => {
      const guard = guards[name] as Guard;
      const named = identities[path];
      const blinded: Guard = ({ context, event }, params) =>
        guard(
          { context: named !== undefined && named in event ? { ...context, [path]: event[named] } : context, event },
          params,
        );
      const shift = (by: number): Mutant => ({
        id: `${machine.id} ${name}: ${path} ${by > 0 ? '+' : '-'} 1`,
        kind: 'number shifted',
        machine: withGuard(machine, name, ({ context, event }, params) =>
          guard({ context: withValue(context, path, shifted(by)), event }, params),
        ),
      });
      return [
        ...(typeof value === 'number' && path !== 'epoch' ? [shift(1), shift(-1)] : []),
        ...(named === undefined || !compared
          ? []
          : [
              {
                id: `${machine.id} ${name}: any ${path}`,
                kind: 'check blinded' as const,
                machine: withGuard(machine, name, blinded),
              },
            ]),
      ];
    }),
  );
}

/**
 * Every mutant of a machine. `paths` tell which numbers and identities its guards look at. What happens on a transition that
 * cannot be reached is no fault that anybody could notice.
 */
export function mutantsOf(subject: MachineCases, paths: readonly Path[]): Mutant[] {
  const unreachable = Object.keys(subject.unreachable).map((id) => `${id.split(' -> ')[0] ?? ''}: `);
  const isMoot = ({ id, kind }: Mutant): boolean =>
    kind !== 'guard removed' && unreachable.some((place) => id.startsWith(place));
  return [...structuralMutants(subject.machine), ...guardMutants(subject, paths)].filter((mutant) => !isMoot(mutant));
}

/** Written out once per object: a path is compared with many mutants. */
const written = new WeakMap<object, string>();
function textOf(value: object): string {
  const text = written.get(value) ?? JSON.stringify(value);
  written.set(value, text);
  return text;
}
const isSame = (a: Snapshot, b: Snapshot): boolean =>
  a === b ||
  (a.status === b.status &&
    JSON.stringify(a.value) === JSON.stringify(b.value) &&
    (a.context === b.context || textOf(a.context) === textOf(b.context)));

/** A step of the real machine by itself: where it begins, what happens, what comes of it. */
type Trial = { readonly before: Snapshot; readonly step: PathStep };
/** Everything that the real machine does on some paths, each thing once. */
export type Trials = { readonly births: readonly Path[]; readonly steps: readonly Trial[] };

export function trialsOf(paths: readonly Path[]): Trials {
  const births = new Map<string, Path>();
  const steps = new Map<string, Trial>();
  for (const path of paths) {
    if (!births.has(path.input)) births.set(path.input, path);
    let before = path.start.snapshot;
    for (const step of path.steps) {
      const key = `${JSON.stringify(before.value)} ${textOf(before.context)} ${textOf(step.event)}`;
      if (!steps.has(key)) steps.set(key, { before, step });
      before = step.snapshot;
    }
  }
  return { births: [...births.values()], steps: [...steps.values()] };
}

/**
 * Whether a machine departs anywhere from what the real one does: the same as `difference` on each of the paths, because up to the
 * first difference every snapshot is the real one's. `place`: where to look first, as the id of a mutant names it.
 */
export function departs(
  machine: AnyStateMachine,
  { births, steps }: Trials,
  options: { readonly place: string; readonly inputOf: (input: string) => object },
): boolean {
  const stepper = createStepper(machine);
  const isNear = ({ step }: Trial): boolean => step.taken.some((id) => id.startsWith(options.place));
  const near = steps.filter(isNear);
  const isOther = ({ before, step }: Trial): boolean =>
    departure(stepper.step(stepper.own(before), step.event), step) !== null;
  try {
    return (
      births.some((path) => !isSameBirth(stepper.init(options.inputOf(path.input)), path)) ||
      near.some(isOther) ||
      steps.some(isOther)
    );
  } catch {
    return true;
  }
}

const isSameBirth = (start: Outcome, path: Path): boolean =>
  isSame(start.snapshot, path.start.snapshot) && textOf(start.actions) === textOf(path.start.actions);

/** How the outcome of a step is another than the real one's; null: it is the same. */
function departure(outcome: Outcome, step: PathStep): string | null {
  if ((outcome.taken.length === 0) !== step.ignored) return step.ignored ? 'taken' : 'ignored';
  // Nothing was taken, here as there: the snapshot is the one before, which was compared.
  if (step.ignored) return null;
  if (!isSame(outcome.snapshot, step.snapshot)) return 'another snapshot';
  return textOf(outcome.actions) === textOf(step.actions) ? null : 'other actions';
}

/** Where a machine first departs from a path of the real one; null: nowhere. A machine that throws departs. */
export function difference(machine: AnyStateMachine, path: Path, input: object): string | null {
  const stepper = createStepper(machine);
  try {
    const start = stepper.init(input);
    if (!isSameBirth(start, path)) return 'at birth';
    let { snapshot } = start;
    for (const [index, step] of path.steps.entries()) {
      const outcome = stepper.step(snapshot, step.event);
      const how = departure(outcome, step);
      if (how !== null) return `step ${String(index)} ${step.case}: ${how}`;
      if (!step.ignored) ({ snapshot } = outcome);
    }
    return null;
  } catch (error) {
    return `threw ${String(error)}`;
  }
}
