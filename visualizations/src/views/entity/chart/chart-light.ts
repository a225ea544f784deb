/** What is lit on a chart and why: the active states, what may happen next, what happened last, what stands in the way. Pure. */
import type { TransitionGraph, TransitionId } from '../../../../../src/machines/transition-graph.ts';
import type { ChartCoverage, ExplainedBranch, Verdict } from '../machine-answers.ts';

/** `open`: would be taken · `guard`: its guard says no · `state`: not asked · `unknown`: depends on what the event carries. */
export type WhyMark = 'open' | 'guard' | 'state' | 'unknown';

export type ChartLight = {
  readonly active: ReadonlySet<string>;
  readonly enabled: ReadonlySet<TransitionId>;
  readonly taken: ReadonlySet<TransitionId>;
  /** Changes with every step, so that the same transition is traced again. */
  readonly step: number;
  readonly why: ReadonlyMap<TransitionId, WhyMark>;
  /** How often each was taken; null: not coloured by that. */
  readonly counts: Readonly<Record<TransitionId, number>> | null;
};

export const NO_LIGHT: ChartLight = {
  active: new Set(),
  enabled: new Set(),
  taken: new Set(),
  step: 0,
  why: new Map(),
  counts: null,
};

export const coverageLight = (coverage: ChartCoverage | null): ChartLight => ({
  ...NO_LIGHT,
  counts: coverage?.transitions ?? {},
});

const MARKS: Readonly<Record<Verdict, WhyMark>> = {
  taken: 'open',
  otherwise: 'open',
  depends: 'unknown',
  guard: 'guard',
  earlier: 'state',
  state: 'state',
  ended: 'state',
};

export const whyMarksOf = (branches: readonly ExplainedBranch[]): ReadonlyMap<TransitionId, WhyMark> =>
  new Map(branches.map(({ transition, verdict }) => [transition, MARKS[verdict]]));

export type EdgeLook =
  | 'taken'
  | 'why-open'
  | 'why-guard'
  | 'why-state'
  | 'why-unknown'
  | 'enabled'
  | 'covered'
  | 'missed'
  | 'plain';

export function lookOf(id: TransitionId, light: ChartLight): EdgeLook {
  const why = light.why.get(id);
  if (why !== undefined) return `why-${why}`;
  if (light.counts !== null) return (light.counts[id] ?? 0) > 0 ? 'covered' : 'missed';
  if (light.taken.has(id)) return 'taken';
  return light.enabled.has(id) ? 'enabled' : 'plain';
}

/** The most telling first: an arrow of many transitions looks like the first of these that one of them has. */
const RANK: readonly EdgeLook[] = [
  'why-open',
  'why-unknown',
  'why-guard',
  'why-state',
  'missed',
  'taken',
  'enabled',
  'covered',
  'plain',
];

export const arrowLook = (ids: readonly TransitionId[], light: ChartLight): EdgeLook => {
  const looks = new Set(ids.map((id) => lookOf(id, light)));
  return RANK.find((look) => looks.has(look)) ?? 'plain';
};

/** Signs beside the lines of a label, so that colour is not needed. */
export const LOOK_SIGNS: Readonly<Record<EdgeLook, string>> = {
  'why-open': '✓',
  'why-unknown': '?',
  'why-guard': '✕',
  'why-state': '○',
  taken: '➤',
  enabled: '›',
  missed: '✕',
  covered: '',
  plain: '',
};

export type MachineEvents = { readonly enabled: readonly string[]; readonly others: readonly string[] };

/** All events of a machine, those that could be taken now first. */
export function eventsOf(graph: TransitionGraph, enabled: readonly TransitionId[]): MachineEvents {
  const now = new Set(enabled);
  const all = [...new Set(graph.edges.map(({ event }) => event))].filter((event) => event !== 'always').toSorted();
  const open = new Set(graph.edges.filter(({ id }) => now.has(id)).map(({ event }) => event));
  return { enabled: all.filter((event) => open.has(event)), others: all.filter((event) => !open.has(event)) };
}

/** What a chart shows, in words. */
export function chartSentence(graph: TransitionGraph, light: ChartLight): string {
  const leaves = graph.states.filter(
    ({ id, kind }) => light.active.has(id) && kind !== 'compound' && kind !== 'parallel',
  );
  const names = leaves.map(({ id }) => id.slice(graph.machine.length + 1) || id);
  const where = names.length === 0 ? '' : ` It is in ${names.join(' and ')}.`;
  const next = light.enabled.size === 0 ? '' : ` ${String(light.enabled.size)} transitions may be taken.`;
  return `Statechart of ${graph.machine}: ${String(graph.states.length)} states, ${String(graph.edges.length)} transitions.${where}${next}`;
}
