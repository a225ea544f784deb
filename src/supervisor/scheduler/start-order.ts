/**
 * In which order ready tasks are started, and which wait for a slot. Pure.
 *
 * Q1. Round robin between objectives, oldest task first within one; the turn moves on with every start.
 * Q2. Never more than `projectMax` runs, never more than an objective's `maxConcurrency` of its own.
 * Q3. Two tasks of one objective whose write scopes overlap never run together.
 */
export type Candidate = {
  readonly taskId: string;
  readonly objectiveId: string | null;
  readonly writeScope: readonly string[];
};

export type Lane<One extends Candidate = Candidate> = {
  readonly objectiveId: string | null;
  readonly maxConcurrency: number;
  readonly running: number;
  /** Scopes of its running tasks. */
  readonly runningScopes: readonly (readonly string[])[];
  /** Oldest first. */
  readonly candidates: readonly One[];
};

export type StartOrder<One extends Candidate = Candidate> = {
  readonly starts: readonly One[];
  /** Why the others wait. */
  readonly waits: ReadonlyMap<string, string>;
};

/** @param lanes In the order of their turn. */
export function orderStarts<One extends Candidate>(
  lanes: readonly Lane<One>[],
  limits: { readonly projectMax: number; readonly running: number },
): StartOrder<One> {
  const starts: One[] = [];
  const waits = new Map<string, string>();
  const queues = lanes.map((lane) => ({ lane, next: 0, started: 0, scopes: [...lane.runningScopes] }));
  let moved = true;
  while (moved) {
    moved = false;
    for (const queue of queues) {
      const candidate = queue.lane.candidates[queue.next];
      if (candidate === undefined) continue;
      queue.next += 1;
      moved = true;
      const obstacle = obstacleOf(queue, candidate, { ...limits, running: limits.running + starts.length });
      if (obstacle !== null) {
        waits.set(candidate.taskId, obstacle);
        continue;
      }
      queue.started += 1;
      queue.scopes.push(candidate.writeScope);
      starts.push(candidate);
    }
  }
  return { starts, waits };
}

function obstacleOf(
  queue: { readonly lane: Lane; readonly started: number; readonly scopes: readonly (readonly string[])[] },
  candidate: Candidate,
  limits: { readonly projectMax: number; readonly running: number },
): string | null {
  const { running, maxConcurrency } = queue.lane;
  const full = fullnessOf({ running: running + queue.started, maxConcurrency }, limits);
  if (full !== null) return full;
  if (queue.scopes.some((scope) => scopesOverlap(scope, candidate.writeScope))) {
    return 'a running task may write the same files';
  }
  return null;
}

/** Why nothing more may start here; null while a slot is free (Q2). */
export function fullnessOf(
  lane: { readonly running: number; readonly maxConcurrency: number },
  limits: { readonly projectMax: number; readonly running: number },
): string | null {
  if (limits.running >= limits.projectMax) return `no slot is free: ${String(limits.projectMax)} runs in this project`;
  if (lane.running >= lane.maxConcurrency) {
    return `no slot is free: ${String(lane.maxConcurrency)} runs in its objective`;
  }
  return null;
}

/** An empty scope means anywhere: it is no promise, so it excludes nobody. Equal paths and parents overlap. */
export function scopesOverlap(one: readonly string[], other: readonly string[]): boolean {
  return one.some((left) =>
    other.some((right) => {
      const [a, b] = [normal(left), normal(right)];
      return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
    }),
  );
}

const normal = (path: string): string => path.replace(/^(?:\.\/)+/, '').replace(/\/+$/, '');
