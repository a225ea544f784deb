/**
 * One episode: an empty project, trouble for most of its length, then peace, in which everything must settle.
 */
import { Faults } from './faults.ts';
import { Invariants } from './invariants.ts';
import { Keeper } from './keeper.ts';
import { People } from './people.ts';
import { Requests } from './requests.ts';
import { PROJECT_RUNS_MAX } from './supervisor.ts';
import type { Violation } from './witness.ts';
import { World } from './world.ts';
import { whatIsUnsettled } from './settlement.ts';

export type EpisodeResult = {
  readonly seed: string;
  readonly events: number;
  readonly violation: (Violation & { readonly entries: readonly string[] }) | null;
  readonly hash: string;
  readonly faults: ReadonlyMap<string, number>;
  readonly ends: ReadonlyMap<string, number>;
};

/** Somebody does something about this often, in virtual ms. */
const PEOPLE_MS = 1_000;
const FAULTS_MS = 9_000;
/** Events between two looks at everything. */
const CHECK_EVERY = 1_000;
/** Steps between two looks whether all is quiet. */
const QUIET_EVERY = 200;
/** Time in which everything must have settled, in virtual ms. */
const PEACE_MS = 3 * 3_600_000;

/** @param eventsMax Events with trouble; the peace afterwards adds some. */
export async function runEpisode(seed: string, eventsMax: number): Promise<EpisodeResult> {
  const world = new World(seed);
  const invariants = new Invariants(world, { projectMax: PROJECT_RUNS_MAX });
  const keeper = new Keeper(world, invariants);
  const requests = new Requests(world, () => (keeper.supervisor?.isReady === true ? keeper.supervisor : null));
  const people = new People(world, invariants, requests);
  const faults = new Faults(world, keeper, () => people.crowd());
  keeper.onReopened = () => requests.checkAcknowledged();
  const whileTrouble = (meanMs: number, act: () => void): void => {
    world.time.after(world.life, world.chance.wait(meanMs), () => {
      if (!world.trouble.on) return;
      act();
      whileTrouble(meanMs, act);
    });
  };
  whileTrouble(PEOPLE_MS, () => people.act());
  whileTrouble(FAULTS_MS, () => faults.strike());
  keeper.start();
  const stepper = new Stepper(world, keeper, invariants);
  await stepper.run(() => world.events >= eventsMax);
  faults.end();
  await settle({ world, keeper, requests }, stepper);
  requests.checkAcknowledged();
  invariants.checkAll();
  const { violation } = world.witness;
  return {
    seed,
    events: world.events,
    violation: violation === null ? null : { ...violation, entries: invariants.entries(violation.entity, 30) },
    hash: invariants.hash.digest('hex'),
    faults: world.witness.faults,
    ends: world.witness.ends,
  };
}

type Settling = { readonly world: World; readonly keeper: Keeper; readonly requests: Requests };

async function settle({ world, keeper, requests }: Settling, stepper: Stepper): Promise<void> {
  const until = world.time.monotonic + PEACE_MS;
  let left: readonly string[] = [];
  let steps = 0;
  await stepper.run(() => {
    steps += 1;
    if (steps % QUIET_EVERY !== 0) return false;
    left = [...requests.unsettled(), ...whatIsUnsettled(world, keeper.supervisor)];
    return left.length === 0 || world.time.monotonic > until;
  });
  const [first] = left;
  if (first !== undefined) {
    world.witness.broken('everything settles in peace', first.split(' ')[0]!, left.slice(0, 5).join('; '));
  }
}

class Stepper {
  readonly #world: World;
  readonly #keeper: Keeper;
  readonly #invariants: Invariants;
  #checkAt = CHECK_EVERY;

  constructor(world: World, keeper: Keeper, invariants: Invariants) {
    this.#world = world;
    this.#keeper = keeper;
    this.#invariants = invariants;
  }

  /** Until `isOver`, or until something is broken. */
  async run(isOver: () => boolean): Promise<void> {
    const { time, witness } = this.#world;
    while (witness.violation === null && !isOver()) {
      if (!time.step()) return witness.broken('time goes on', 'world', 'nothing is due');
      this.#world.steps += 1;
      await turn();
      this.#keeper.watch();
      if (this.#world.events < this.#checkAt) continue;
      this.#checkAt = this.#world.events + CHECK_EVERY;
      this.#invariants.checkAll();
    }
  }
}

/** One turn of the real event loop: all microtasks are done after it, and nothing else happens in it. */
const turn = async (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });
