/**
 * What `run` says at its end: the document for `--json`, and the lines that tell a person what to look at, what to decide, and how to
 * remove what is left.
 */
import { exitCodeOfView, nameOf, whyOfTask, wordsOfTask, type ObjectiveView, type Seen } from './objective-view.ts';
import { plural } from '../output/time-text.ts';
import { stateMark, type Style } from '../output/style.ts';
import { fitText, oneLine } from '../output/text-width.ts';

export type RunSummary = {
  readonly objectiveId: string;
  readonly state: string;
  readonly exitCode: number;
  readonly tasks: Readonly<
    Record<
      string,
      {
        readonly taskId: string;
        readonly state: string;
        readonly runId: string | null;
        readonly branch: string | null;
        readonly commit: string | null;
        readonly reason: string | null;
        /** The agent's own words. */
        readonly said: string | null;
      }
    >
  >;
};

/** @param exitCode replaces the one the states give: 130 interrupted, 4 trouble. */
export const summaryOf = (view: ObjectiveView, exitCode: number = exitCodeOfView(view)): RunSummary => ({
  objectiveId: view.objectiveId,
  state: view.objective?.state ?? 'active',
  exitCode,
  tasks: Object.fromEntries(
    view.tasks.map((task) => {
      const { planId, activeRunId, lastRunId, branch, commit } = task.context;
      const runId = activeRunId ?? lastRunId;
      return [planId ?? task.id, { taskId: task.id, state: task.state, runId, branch, commit, ...whyOfTask(task) }];
    }),
  ),
});

/** Tasks listed one by one at the end; the rest is a command away. */
const SHOWN_MAX = 10;

/** The last lines, most urgent last, because that is where the eye is. */
export const closingLines = (view: ObjectiveView, style: Style, columns: number): string[] => [
  countsLine(view, style),
  ...troubleLines(view, style),
  ...branchLines(view),
  ...leftLines(view),
  ...gateLines(view, style, columns),
];

const countsLine = (view: ObjectiveView, style: Style): string => {
  const counts = new Map<string, number>();
  for (const { state } of view.tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  const parts = [...counts].map(([state, count]) =>
    style.paint(stateMark(state, style).tone, `${String(count)} ${state}`),
  );
  const title = oneLine(view.objective?.context.title ?? view.objectiveId);
  return `${style.paint('strong', title)}: ${parts.join(', ')}`;
};

const troubleLines = (view: ObjectiveView, style: Style): string[] => {
  const bad = view.tasks.filter(({ state }) => state === 'failed' || state === 'blocked');
  const lines = bad.slice(0, SHOWN_MAX).flatMap((task) => {
    const { tone, symbol } = stateMark(task.state, style);
    const why = wordsOfTask(task);
    const run = task.context.lastRunId;
    const ways = task.context.blockedBy === 'dependency' ? [] : [`conductor retry ${task.id}`];
    if (run !== null) ways.unshift(`conductor logs ${run}`);
    return [
      `${style.paint(tone, symbol)} ${oneLine(nameOf(task))}  ${task.state}${why === '' ? '' : `  ${why}`}`,
      ...ways.map((way) => `    ${way}`),
    ];
  });
  return bad.length > SHOWN_MAX
    ? [
        ...lines,
        `  and ${plural(bad.length - SHOWN_MAX, 'task')} more: conductor tasks --objective ${view.objectiveId}`,
      ]
    : lines;
};

/** Where the work is: branches that no other task of the plan builds on. */
const branchLines = (view: ObjectiveView): string[] => {
  const used = new Set([...view.dependencies.values()].flat());
  const tips = view.tasks.filter(
    ({ state, context }) => state === 'completed' && context.branch !== null && !used.has(context.planId ?? ''),
  );
  return tips
    .slice(0, SHOWN_MAX)
    .map((task) => `Work of ${oneLine(nameOf(task))}: git log ${oneLine(task.context.branch ?? '')}`);
};

const leftLines = (view: ObjectiveView): string[] => {
  const { length } = view.workers;
  return length === 0
    ? []
    : [
        `${plural(length, 'worktree')} left; the branches stay when you remove ${length === 1 ? 'it' : 'them'}:`,
        `    conductor workers cleanup --objective ${view.objectiveId}`,
      ];
};

const gateLines = (view: ObjectiveView, style: Style, columns: number): string[] => {
  const open = view.openGates;
  const lines = open.slice(0, SHOWN_MAX).flatMap((gate) => {
    const task = view.task(gate.context.taskId);
    const ask = fitText(oneLine(gate.context.ask), Math.max(20, columns - 4));
    const of = task === null ? '' : ` (${oneLine(nameOf(task))})`;
    return [
      `${style.paint('warn', '?')} ${gate.context.gateType}${of}`,
      `  ${ask}`,
      ...gateCommands(gate).map((command) => `    ${command}`),
    ];
  });
  const more = open.length - SHOWN_MAX;
  return more > 0 ? [...lines, `  and ${plural(more, 'gate')} more: conductor gates --state open`] : lines;
};

/** How a person decides a gate. */
export const gateCommands = ({ id, context }: Pick<Seen<'gate'>, 'id' | 'context'>): readonly string[] => {
  if (context.gateType === 'needs_input') return [`conductor gate answer ${id} TEXT`];
  return [`conductor gate approve ${id}`, `conductor gate reject ${id} --reason TEXT`];
};
