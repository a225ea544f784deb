/**
 * Layouts of charts and tasks, made beside this process and remembered.
 *
 * L1. Nothing of ELK is in this process, and the one that has it ends when there is nothing to do.
 * L2. A chart is laid out once for each version of a machine; asking again, also meanwhile, gives the same.
 */
import type { TransitionGraph } from '../../machines/transition-graph.ts';
import type { ChartForm, ChartLayout } from './chart-layout.ts';
import { LayoutProcess } from './layout-process.ts';
import type { LayoutJob } from './layout-program.ts';
import { columnTasks } from './task-columns.ts';
import type { TaskGraph, TaskLayout } from './task-layout.ts';

/** Tasks that ELK arranges in less than half a second; more of them stand in columns. */
const ELK_TASKS_MAX = 300;
/** Graphs of tasks that are remembered: one for each objective somebody looks at. */
const TASK_LAYOUTS_MAX = 16;

let beside: LayoutProcess | null = null;
const charts = new Map<string, Promise<ChartLayout>>();
const tasks = new Map<string, Promise<TaskLayout>>();

export const chartLayout = (graph: TransitionGraph, form: ChartForm = 'details'): Promise<ChartLayout> =>
  remembered(charts, `${graph.machine} ${graph.version} ${form}`, async () => {
    return (await run({ kind: 'chart', graph, form })) as ChartLayout;
  });

export const taskLayout = (graph: TaskGraph): Promise<TaskLayout> => {
  if (graph.tasks.length > ELK_TASKS_MAX) return Promise.resolve(columnTasks(graph));
  if (tasks.size >= TASK_LAYOUTS_MAX) tasks.delete(tasks.keys().next().value!);
  return remembered(tasks, JSON.stringify(graph), async () => (await run({ kind: 'tasks', graph })) as TaskLayout);
};

/** Ends the process now, and resolves when it is gone. */
export const endLayouts = async (): Promise<void> => {
  await beside?.end();
};

/** A layout that failed is tried again by the next who asks. */
const remembered = <Layout>(
  known: Map<string, Promise<Layout>>,
  key: string,
  make: () => Promise<Layout>,
): Promise<Layout> => {
  const made = known.get(key) ?? make();
  known.set(key, made);
  made.catch(() => {
    if (known.get(key) === made) known.delete(key);
  });
  return made;
};

const run = (job: LayoutJob): Promise<ChartLayout | TaskLayout> => {
  beside ??= new LayoutProcess(() => {
    beside = null;
  });
  return beside.run(job);
};
