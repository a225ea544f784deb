/** Ends a group of processes as a runner does: SIGTERM, SIGKILL after the grace, and waits until nobody of it is left. */
import type { Life } from './virtual-time.ts';
import type { World } from './world.ts';

const POLL_MS = 100;
/** What survives SIGKILL for longer is left to the sweep, in ms. */
const PATIENCE_MS = 5_000;

export function endGroup(
  world: World,
  life: Life,
  what: { readonly group: number; readonly graceMs: number; readonly done: () => void },
): void {
  const startedAt = world.time.monotonic;
  const members = world.host.living().filter(({ pgid }) => pgid === what.group);
  const left = () => members.filter((process) => world.host.isAlive(process));
  const look = (): void => {
    const passed = world.time.monotonic - startedAt;
    const alive = left();
    if (alive.length === 0 || passed > what.graceMs + PATIENCE_MS) return what.done();
    if (passed >= what.graceMs) for (const process of alive) world.host.signal(process, 'SIGKILL');
    world.time.after(life, POLL_MS, look);
  };
  for (const process of members) world.host.signal(process, 'SIGTERM');
  world.time.after(life, 1, look);
}
