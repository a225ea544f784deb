/**
 * What stands in a chart in words, and how much room it takes. Texts are set in a fixed-width font, so that the room is known
 * without measuring and the same everywhere.
 */
import type { GraphEdge, GraphState, TransitionGraph } from '../../machines/transition-graph.ts';

/** Sizes in px. */
export const CHART_FONT = {
  /** Width of a character over the size of the font: what the common fixed-width fonts have. */
  widthRatio: 0.602,
  title: 13,
  line: 11,
  lineHeight: 15,
  /** From the top of a box to its first line of small text. */
  titleHeight: 26,
  /** Around all text in a box. */
  padding: 10,
} as const;

export const widthOf = (text: string, size: number): number => Math.ceil(text.length * size * CHART_FONT.widthRatio);

/** Recordings change the context alone; a picture shows what others notice. */
export const visibleActions = (actions: readonly string[]): string => {
  const names = actions.filter((name) => !name.startsWith('record') && !name.startsWith('xstate.'));
  const counts = Map.groupBy(names, (name) => name);
  return [...counts].map(([name, { length }]) => (length > 1 ? `${name} ×${String(length)}` : name)).join(', ');
};

/** `event [guard] / effects`. */
export const edgeText = ({ event, guard, actions }: Pick<GraphEdge, 'event' | 'guard' | 'actions'>): string => {
  const effects = visibleActions(actions);
  return [event, guard === null ? '' : `[${guard}]`, effects === '' ? '' : `/ ${effects}`]
    .filter((part) => part !== '')
    .join(' ');
};

/** What happens when a state is entered or left. */
export const stateNotes = ({ entry, exit }: Pick<GraphState, 'entry' | 'exit'>): string[] => {
  const [entered, left] = [visibleActions(entry), visibleActions(exit)];
  return [...(entered === '' ? [] : [`entry / ${entered}`]), ...(left === '' ? [] : [`exit / ${left}`])];
};

/** A state's name inside a picture of its machine. */
export const stateName = (id: string, { machine }: Pick<TransitionGraph, 'machine'>): string =>
  id.startsWith(`${machine}.`) ? id.slice(machine.length + 1) : id;
