/**
 * Layouts of charts and tasks, made in a thread and remembered.
 *
 * L1. Nothing of ELK or of the pool is in memory before the first layout, and the thread ends when there is nothing to do.
 * L2. A chart is laid out once for each version of a machine; asking again, also meanwhile, gives the same.
 */
import type { TransitionGraph } from '../../machines/transition-graph.ts';
import { programBeside } from '../../persistence/program-file.ts';
import type { ChartForm, ChartLayout } from './chart-layout.ts';
import type { layout, LayoutJob } from './layout-worker.ts';
import { columnTasks } from './task-columns.ts';
import type { TaskGraph, TaskLayout } from './task-layout.ts';

/** A thread without work ends after this time, in ms; loading it again takes about 200. */
const THREAD_IDLE_MS = 5_000;
/** Tasks that ELK arranges in less than half a second; more of them stand in columns. */
const ELK_TASKS_MAX = 300;
/** Graphs of tasks that are remembered: one for each objective somebody looks at. */
const TASK_LAYOUTS_MAX = 16;

type Pool = { readonly run: typeof layout; readonly destroy: () => Promise<void> };

let loading: Promise<Pool> | null = null;
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

/** Ends the thread now: for programs that would wait for it. */
export const endLayouts = async (): Promise<void> => {
  const pool = loading;
  loading = null;
  await (await pool)?.destroy();
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

const run = async (job: LayoutJob): Promise<ChartLayout | TaskLayout> => {
  loading ??= loadPool();
  return (await loading).run(job);
};

const loadPool = async (): Promise<Pool> => {
  const { Piscina } = await import('piscina');
  const pool = new Piscina<LayoutJob, ChartLayout | TaskLayout>({
    filename: programBeside(import.meta.url, 'layout-worker').href,
    name: 'layout',
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: THREAD_IDLE_MS,
    execArgv: [],
    env: {},
  });
  return { run: (job) => pool.run(job), destroy: () => pool.destroy() };
};
