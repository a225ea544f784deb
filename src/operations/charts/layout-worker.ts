/**
 * The entry of the thread that lays out charts and graphs of tasks: the only place that loads ELK, which is large and slow to load.
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

// Its types describe a module of another kind than the one it is.
const elk = new (ElkConstructor as unknown as new () => Elk)();

export const layout = async (job: LayoutJob): Promise<ChartLayout | TaskLayout> =>
  job.kind === 'chart' ? layoutChart(elk, job) : elkTasks(elk, job.graph);
