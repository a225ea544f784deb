/** Pure decisions over a supervisor's children: whose turn it is, what an exit means, how long to wait. The chart is in machine.ts. */
import type { EpochMs } from '../ids.ts';
import { backoffMs } from '../task/decisions.ts';
import type { SupervisedChild, SupervisorContext, SupervisorSpec } from './model.ts';

type Children = readonly SupervisedChild[];
/** Names one start of one child. */
export type ChildRef = { readonly id: string; readonly gen: number };
/** How a child went: `rand` in [0, 1) is the jitter of the next start. */
export type Crash = ChildRef & { readonly at: EpochMs; readonly rand: number; readonly reason: string };

export const newChild = (spec: SupervisorSpec['children'][number]): SupervisedChild => ({
  ...spec,
  state: 'down',
  gen: 0,
  fails: 0,
  upAt: null,
  notBefore: null,
  afterStop: 'down',
});

/** The child that is meant, or null when this is about a start that is over. */
export const childOf = ({ children }: SupervisorContext, { id, gen }: ChildRef): SupervisedChild | null =>
  children.find((child) => child.id === id && child.gen === gen) ?? null;

export const withChild = (children: Children, id: string, change: Partial<SupervisedChild>): SupervisedChild[] =>
  children.map((child) => (child.id === id ? { ...child, ...change } : child));

const isGoing = ({ state }: SupervisedChild): boolean => state === 'leaving' || state === 'stopping';
export const isRunning = ({ state }: SupervisedChild): boolean => state === 'up' || state === 'starting';

/** One at a time, the last started first. */
export function nextToStop({ children }: SupervisorContext): SupervisedChild | null {
  if (children.some(({ state }) => state === 'stopping')) return null;
  return children.findLast(({ state }) => state === 'leaving') ?? null;
}

/** One at a time, in start order, and not while its group is still leaving. */
export function nextToStart({ strategy, children }: SupervisorContext): SupervisedChild | null {
  if (children.some(isGoing)) return null;
  const blocks = ({ state }: SupervisedChild) =>
    state === 'starting' || (state === 'backoff' && strategy !== 'one_for_one');
  const next = children.find((child) => child.state === 'waiting' || blocks(child));
  return next?.state === 'waiting' ? next : null;
}

/** Whether a start of the first round is still to come or under way. */
export const isStartPending = ({ children }: SupervisorContext): boolean =>
  children.some(({ state }) => state === 'waiting' || state === 'starting');

/** An exit before the child was up is never normal: it did not do what it was started for. */
export function wantsRestart(child: SupervisedChild, normal: boolean): boolean {
  if (child.restart === 'temporary') return false;
  return child.restart === 'permanent' || !normal || child.state === 'starting';
}

/** The restarts that count at this time, this one included. Sliding window; the bound belongs to it, as in OTP. */
export const restartsAt = ({ restarts, periodMs }: SupervisorContext, at: EpochMs): EpochMs[] => [
  ...restarts.filter((earlier) => at - earlier <= periodMs),
  at,
];

/** The children after one of them crashed and is restarted: itself in backoff, its group on the way out. */
export function afterCrash(context: SupervisorContext, crash: Crash): SupervisedChild[] {
  const { strategy, backoff, children } = context;
  const index = children.findIndex(({ id }) => id === crash.id);
  return children.map((child, place) => {
    if (place !== index) {
      const together = strategy === 'one_for_all' || (strategy === 'rest_for_one' && place > index);
      return together ? withGroup(child) : child;
    }
    const wasStable = child.upAt !== null && crash.at - child.upAt >= backoff.resetAfterMs;
    const fails = wasStable ? 1 : child.fails + 1;
    const delay = backoffMs({ backoffMs: backoff.minMs, backoffMaxMs: backoff.maxMs }, fails, crash.rand);
    return delay === 0
      ? { ...child, state: 'waiting', fails, upAt: null, notBefore: null }
      : { ...child, state: 'backoff', fails, upAt: null, notBefore: (crash.at + delay) as EpochMs };
  });
}

/** A sibling that is restarted with the one that crashed; as in OTP a temporary one is stopped and stays down. */
function withGroup(child: SupervisedChild): SupervisedChild {
  const afterStop = child.restart === 'temporary' ? 'down' : 'waiting';
  if (isRunning(child)) return { ...child, state: 'leaving', afterStop };
  if (isGoing(child)) return { ...child, afterStop };
  return { ...child, state: afterStop, notBefore: null };
}

/** Everybody leaves: who runs is stopped in turn, who waits is not started. A backoff goes with its timer. */
export const allLeaving = (children: Children): SupervisedChild[] =>
  children.map((child) => {
    if (isRunning(child)) return { ...child, state: 'leaving', afterStop: 'down' };
    if (isGoing(child)) return { ...child, afterStop: 'down' };
    return child.state === 'backoff' ? child : { ...child, state: 'down' };
  });
