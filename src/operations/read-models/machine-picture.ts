/** The chart of a machine, or of one actor with its states lit: as a picture in any format, from the same geometry. */
import { ConductorError } from '../../machines/errors.ts';
import { graphOf, type TransitionGraph } from '../../machines/transition-graph.ts';
import { CHART_MACHINES, CHART_NAMES, type ChartName } from '../charts/chart-machines.ts';
import { chartMermaid } from '../charts/chart-mermaid.ts';
import { chartSvg } from '../charts/chart-svg.ts';
import { chartLayout } from '../charts/layout-source.ts';

export const PICTURE_FORMATS = ['mermaid', 'svg', 'json'] as const;
export type PictureFormat = (typeof PICTURE_FORMATS)[number];

export const isChartName = (name: string): name is ChartName => (CHART_NAMES as readonly string[]).includes(name);

export const chartGraph = (name: ChartName): TransitionGraph => graphOf(CHART_MACHINES[name]);

export type PictureRequest = {
  readonly machine: ChartName;
  readonly format: PictureFormat;
  /** Ids of states that are lit. */
  readonly active: readonly string[];
  /** The actor that it shows; null: the machine in general. */
  readonly of: string | null;
};

/** @throws ConductorError `invalid_params` for a state that the machine does not have */
export const drawMachine = async ({ machine, format, active, of }: PictureRequest): Promise<string> => {
  const graph = chartGraph(machine);
  const unknown = active.find((id) => graph.states.every((state) => state.id !== id));
  if (unknown !== undefined) {
    throw new ConductorError('invalid_params', `the machine ${machine} has no state ${unknown}`, {
      details: { machine, states: graph.states.map(({ id }) => id) },
    });
  }
  if (format === 'mermaid') return chartMermaid(graph, active);
  if (format === 'json') return `${JSON.stringify(active.length === 0 ? graph : { ...graph, active }, null, 2)}\n`;
  return chartSvg({ graph, layout: await chartLayout(graph), active, ...(of === null ? {} : { of }) });
};
