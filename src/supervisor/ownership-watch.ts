/** The third belt of ownership: the owner looks whether its files are still its own. */
import type { Ownership } from '../persistence/owner-lock.ts';
import type { Clock } from './kernel/kernel.ts';

/** Time between two looks, in ms. */
const OWNERSHIP_CHECK_MS = 5_000;

/** Looks at once and from then on. @param onLost the process is to end without another write. @returns ends it. */
export function watchOwnership(ownership: Ownership, clock: Clock, onLost: (reason: string) => void): () => void {
  let cancel: (() => void) | null = null;
  const check = (): void => {
    const checked = ownership.check();
    if (checked.kind === 'lost') onLost(`${checked.path} was replaced under this supervisor`);
    else cancel = clock.after(OWNERSHIP_CHECK_MS, check);
  };
  check();
  return () => cancel?.();
}
