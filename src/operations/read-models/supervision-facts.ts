/** What is told of a supervision tree out of what its machine remembers, now or at an earlier step. Pure. */
import type { SupervisorContext } from '../../machines/supervisor/model.ts';
import type { Services } from './supervision-view.ts';

/** @param at ms since 1970: the end of the period in which restarts count */
export const supervisionFacts = (
  { strategy, intensity, periodMs, backoff, restarts, children }: SupervisorContext,
  at: number,
): { readonly budget: NonNullable<Services['budget']>; readonly services: Services['services'] } => ({
  budget: {
    strategy,
    intensity,
    periodMs,
    restarts: restarts.filter((time) => time > at - periodMs).length,
    backoff: { ...backoff },
  },
  services: children.map(({ id, state, restart, gen, fails, upAt, notBefore }) => ({
    id,
    state,
    restart,
    starts: gen,
    failures: fails,
    upAt,
    notBefore,
  })),
});
