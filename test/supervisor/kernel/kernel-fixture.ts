/** A kernel over toys, a memory disk and a clock that stands still; opened anew on the same disk as often as a test dies. */
import { createMemoryDisk, type MemoryDisk } from '../../../src/persistence/memory-disk.ts';
import { openMemoryStore, type MemoryFaults } from '../../../src/persistence/memory-store.ts';
import type { Store } from '../../../src/persistence/store.ts';
import { createKernel, type KernelOptions } from '../../../src/supervisor/kernel/create-kernel.ts';
import type {
  EffectHandlers,
  EventBody,
  Kernel,
  Message,
  Outcome,
  Post,
} from '../../../src/supervisor/kernel/kernel.ts';
import type { ActorId, EpochMs } from '../../../src/machines/ids.ts';
import { toyMachines, type ToyContext } from './toy-machines.ts';
import { createVirtualClock, type VirtualClock } from './virtual-clock.ts';

export type Fixture = {
  readonly disk: MemoryDisk;
  readonly clock: VirtualClock;
  readonly store: Store;
  readonly kernel: Kernel;
  readonly fatal: string[];
  /** A kernel on the same disk, as after a kill: nothing of the old one is waited for. */
  readonly reopen: (options?: Options) => Promise<Fixture>;
};

type Options = Partial<KernelOptions> & { readonly faults?: MemoryFaults; readonly wrap?: (store: Store) => Store };

export async function openFixture(
  options: Options = {},
  world: { readonly disk: MemoryDisk; readonly clock: VirtualClock; readonly epoch: number } = {
    disk: createMemoryDisk(),
    clock: createVirtualClock(),
    epoch: 1,
  },
): Promise<Fixture> {
  const { faults, wrap, ...rest } = options;
  const { disk, clock, epoch } = world;
  const opened = openMemoryStore({
    disk,
    owner: { epoch, instance: `owner-${String(epoch)}` },
    ...(faults === undefined ? {} : { faults }),
  });
  const store = wrap === undefined ? opened : wrap(opened);
  const fatal: string[] = [];
  const kernel = await createKernel({
    store,
    clock,
    handlers: null,
    machines: toyMachines,
    onFatal: (reason) => fatal.push(reason),
    ...rest,
  });
  return {
    disk,
    clock,
    store,
    kernel,
    fatal,
    reopen: async (again = {}) => openFixture(again, { disk, clock, epoch: epoch + 1 }),
  };
}

export const create = (id: ActorId, name = 'toy'): Message => ({
  kind: 'create',
  id,
  input: { name, at: 0 as EpochMs },
});
export const event = (to: ActorId, body: EventBody, mode?: 'required' | 'notify'): Message => ({
  kind: 'event',
  to,
  event: body,
  ...(mode === undefined ? {} : { mode }),
});
export const poke = (to: ActorId, text = 'x'): Message => event(to, { type: 'toy.poke', text });
export const post = (...messages: Message[]): Post => ({ messages, principal: 'system' });
/** A tell as a toy is asked to make it; `at` as a machine would put it. */
export const tellEvent = (
  to: ActorId | { readonly relation: string; readonly of: ActorId } | null,
  body: { readonly type: string; readonly [field: string]: unknown },
  mode: 'required' | 'notify' = 'required',
): EventBody => ({ type: 'toy.tell', to, event: { at: 0, ...body }, mode });

export const contextOf = (kernel: Kernel, id: ActorId): ToyContext => kernel.peek(id)!.snapshot.context as ToyContext;

export async function errorOf(
  promise: Promise<Outcome>,
): Promise<{ readonly code: string; readonly retryable: boolean; readonly message: string }> {
  try {
    const outcome = await promise;
    throw new Error(`expected an error, got ${JSON.stringify(outcome)}`);
  } catch (error) {
    return error as { code: string; retryable: boolean; message: string };
  }
}

/** Handlers of which a test names those that it watches; the others do nothing. */
export const handlersOf = (named: Partial<EffectHandlers>): EffectHandlers =>
  new Proxy(named, {
    get: (target, name) => (target as Record<string | symbol, unknown>)[name] ?? (async () => ({ messages: [] })),
  }) as EffectHandlers;
