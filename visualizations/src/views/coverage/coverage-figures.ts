/** What of a machine the generated tests took, and what they did not. Pure. */
import type { TransitionGraph } from '../../../../src/machines/transition-graph.ts';
import type { ChartCoverage } from '../entity/machine-answers.ts';

export type Missed = { readonly id: string; readonly reason: string };
export type CoverageFigures = {
  readonly taken: number;
  readonly total: number;
  /** Times any transition was taken, and events were rightly ignored. */
  readonly steps: number;
  readonly ignored: number;
  readonly missed: readonly Missed[];
};

const UNKNOWN = 'no reason is recorded';

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export function coverageFigures(graph: TransitionGraph, coverage: ChartCoverage): CoverageFigures {
  const counts = coverage.transitions;
  const missed = graph.edges.filter(({ id }) => (counts[id] ?? 0) === 0);
  return {
    taken: graph.edges.length - missed.length,
    total: graph.edges.length,
    steps: sum(Object.values(counts)),
    ignored: sum(Object.values(coverage.ignored)),
    missed: missed.map(({ id }) => ({ id, reason: coverage.unreachable[id] ?? UNKNOWN })),
  };
}
