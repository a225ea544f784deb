/**
 * What the watcher of a living run remembers, beat by beat, so that a process which later clears its environment and
 * loses its parent is still known (C4 of `census.ts`). Pure.
 *
 * D1. What is remembered proves what it starts, after it lost its own parent too.
 * D2. Only the living are remembered, so the memory of a build that starts thousands of programs stays as small as the
 *     process table.
 * D3. A group's number is not given away while the group has members, and numbers go round: right after its leader's
 *     end, whoever has the number is of that group. Only the leader's parent can know that moment.
 */
import type { Census } from './census.ts';
import { identityKey, sameIdentity, type ProcessIdentity } from './process-identity.ts';
import { rowOf, type ProcessSnapshot } from './process-snapshot.ts';
import type { ProcessRow } from './process-table.ts';

/** All living descendants of the roots, without the roots themselves. Roots that are gone have none. */
export const findDescendants = (
  snapshot: ProcessSnapshot,
  roots: readonly ProcessIdentity[],
): readonly ProcessIdentity[] => {
  const seen = new Set(roots.map(identityKey));
  const found: ProcessIdentity[] = [];
  const queue = roots.flatMap((id) => rowOf(snapshot, id) ?? []);
  for (let parent = queue.pop(); parent !== undefined; parent = queue.pop()) {
    for (const child of snapshot.byParent.get(parent.identity.pid) ?? []) {
      if (seen.has(identityKey(child.identity)) || !isCredibleChild(child, parent)) continue;
      seen.add(identityKey(child.identity));
      found.push(child.identity);
      queue.push(child);
    }
  }
  return found;
};

/**
 * What to remember after this beat: the members of the census but the roots. The census of the next beat gets roots and
 * remembered as `recorded`, so that whatever these start, and whoever joins their groups, is remembered in turn (D1).
 *
 * @param roots Runner and agent, which are recorded for good.
 */
export const rememberMembers = (census: Census, roots: readonly ProcessIdentity[]): readonly ProcessIdentity[] =>
  census.members.map((member) => member.identity).filter((id) => !roots.some((root) => sameIdentity(root, id)));

/**
 * Who is left in the group and session of a leader that has just ended: the last moment at which the number alone proves
 * it (D3). Empty when the number has another holder already.
 */
export const findSurvivors = (snapshot: ProcessSnapshot, leader: ProcessIdentity): readonly ProcessIdentity[] => {
  const holder = snapshot.byPid.get(leader.pid);
  if (holder !== undefined && !sameIdentity(holder.identity, leader)) return [];
  const left = new Set([...(snapshot.byGroup.get(leader.pid) ?? []), ...(snapshot.bySession.get(leader.pid) ?? [])]);
  return [...left]
    .filter((row) => row.state !== 'zombie' && !sameIdentity(row.identity, leader))
    .filter((row) => Number(row.identity.startTicks) >= Number(leader.startTicks))
    .map((row) => row.identity);
};

/** Zombies are nobody's worry, and a child older than its parent is not its child. */
const isCredibleChild = (child: ProcessRow, parent: ProcessRow): boolean =>
  child.identity.pid > 1 &&
  child.state !== 'zombie' &&
  Number(child.identity.startTicks) >= Number(parent.identity.startTicks);
