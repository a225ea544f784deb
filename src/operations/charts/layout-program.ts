/**
 * The program that lays out charts and graphs of tasks: the only place that loads ELK, which is large and slow to load.
 *
 * L1. What it is asked for is in the message, what came of it in the answer; it keeps nothing.
 * L2. It ends when the channel closes, whatever closed it.
 */
import ElkConstructor from 'elkjs/lib/elk.bundled.js';
import type { TransitionGraph } from '../../machines/transition-graph.ts';
import type { ChartForm, ChartLayout } from './chart-layout.ts';
import { layoutChart, type Elk } from './elk-chart.ts';
import { elkTasks } from './elk-tasks.ts';
import type { TaskGraph, TaskLayout } from './task-layout.ts';

export type LayoutJob =
  | { readonly kind: 'chart'; readonly graph: TransitionGraph; readonly form: ChartForm }
  | { readonly kind: 'tasks'; readonly graph: TaskGraph };
export type LayoutRequest = { readonly id: number; readonly job: LayoutJob };
export type LayoutAnswer =
  | { readonly id: number; readonly layout: ChartLayout | TaskLayout }
  | { readonly id: number; readonly error: string };

// Its types describe a module of another kind than the one it is.
const elk = new (ElkConstructor as unknown as new () => Elk)();

const layout = async (job: LayoutJob): Promise<ChartLayout | TaskLayout> =>
  job.kind === 'chart' ? layoutChart(elk, job) : elkTasks(elk, job.graph);

const answerTo = async ({ id, job }: LayoutRequest): Promise<LayoutAnswer> => {
  try {
    return { id, layout: await layout(job) };
  } catch (error) {
    return { id, error: error instanceof Error ? error.message : String(error) };
  }
};

process.on('message', (request: LayoutRequest) => {
  // A channel that closes in this moment ends this process too (L2).
  void answerTo(request).then((answer) => process.send?.(answer, undefined, undefined, () => undefined));
});
process.on('disconnect', () => process.exit(0));
