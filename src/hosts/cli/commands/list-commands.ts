/**
 * `objectives`, `tasks`, `runs`, `gates`, `artifacts`: pages of everything, newest first, as a table or as `{items, nextCursor, total}`.
 */
import type {
  ArtifactItem,
  GateItem,
  ItemPage,
  ObjectiveItem,
  RunItem,
  TaskItem,
} from '../../../operations/read-models/item-schemas.ts';
import { wordsOf } from '../../../operations/read-models/lines.ts';
import type { CommandCall, CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { listPage, type LIST_OPERATIONS } from '../operation-calls.ts';
import { stateMark, type Style } from '../output/style.ts';
import { tableLines, type Cell } from '../output/text-table.ts';
import { fitText, oneLine } from '../output/text-width.ts';
import { agoText, bytesText, countText, durationText } from '../output/time-text.ts';
import { FILTER_OPTIONS, listParams, PAGE_OPTIONS, type FilterName } from './list-options.ts';

type Layout<Item> = {
  readonly kind: keyof typeof LIST_OPERATIONS;
  readonly head: readonly string[];
  /** As of a table. */
  readonly dispensable?: number;
  readonly row: (item: Item, seen: { readonly now: number; readonly style: Style }) => readonly Cell[];
};

/** Prints one page. Also for `workers`, which has subcommands beside. */
export const printList = async <Item>({ context, options }: CommandCall, layout: Layout<Item>): Promise<number> => {
  const port = await context.openPort('read');
  const stateName = layout.kind === 'run' ? 'status' : 'state';
  const page = await listPage<Item>(port, layout.kind, await listParams(port, options, { stateName }));
  context.report.result(page, () => listLines(page, layout, context));
  return EXIT.done;
};

const listLines = <Item>(
  page: ItemPage<Item>,
  layout: Layout<Item>,
  { io, report }: CommandCall['context'],
): string[] => {
  if (page.items.length === 0) return [`no ${layout.kind}s`];
  const seen = { now: io.now(), style: report.style };
  const rows = page.items.map((item) => layout.row(item, seen));
  const { head, dispensable } = layout;
  const table = { head, rows, ...(dispensable === undefined ? {} : { dispensable }) };
  const lines = tableLines(table, report.columns, report.style);
  if (page.nextCursor === null) return lines;
  const of = page.total === null ? '' : ` of ${countText(page.total)}`;
  return [...lines, `${countText(page.items.length)}${of} shown; more: --after ${page.nextCursor}`];
};

export const stateCell = (state: string, style: Style): Cell => {
  const { tone, symbol } = stateMark(state, style);
  return { text: `${symbol} ${state}`, tone };
};

const dash = (text: string | null): Cell => ({ text: text ?? '-' });

const list = <Item>(
  words: Pick<CommandDefinition, 'name' | 'summary' | 'examples'>,
  filters: readonly FilterName[],
  layout: Layout<Item>,
): CommandDefinition => ({
  ...words,
  options: [...filters.map((name) => FILTER_OPTIONS[name]), ...PAGE_OPTIONS],
  run: (call) => printList(call, layout),
});

export const objectivesCommand = list<ObjectiveItem>(
  {
    name: 'objectives',
    summary: 'list objectives',
    examples: ['conductor objectives --state active'],
  },
  ['state'],
  {
    kind: 'objective',
    head: ['ID', 'STATE', 'DONE', 'GATES', 'TITLE'],
    row: (item, { style }) => {
      const all = Object.values(item.tasks).reduce((sum, count) => sum + count, 0);
      return [
        { text: item.objectiveId },
        stateCell(item.state, style),
        { text: `${String(item.tasks['completed'] ?? 0)}/${String(all)}` },
        { text: String(item.openGates), tone: item.openGates > 0 ? 'warn' : 'normal' },
        { text: item.title },
      ];
    },
  },
);

export const tasksCommand = list<TaskItem>(
  {
    name: 'tasks',
    summary: 'list tasks',
    examples: ['conductor tasks --state needs_review', 'conductor tasks --objective objective-01k --json'],
  },
  ['state', 'objective', 'worker'],
  {
    kind: 'task',
    head: ['ID', 'STATE', 'TITLE'],
    row: (item, { style }) => [{ text: item.taskId }, stateCell(item.state, style), { text: titleAndWhy(item) }],
  },
);

/** Titles have up to 200 characters; beside a reason they get this much room. */
const TITLE_CELLS_MAX = 24;
const titleAndWhy = (task: TaskItem): string => {
  const why = wordsOf(task);
  return why === '' ? task.title : `${fitText(oneLine(task.title), TITLE_CELLS_MAX)}: ${why}`;
};

export const runsCommand = list<RunItem>(
  {
    name: 'runs',
    summary: 'list runs',
    examples: ['conductor runs --state running', 'conductor runs --task task-01k'],
  },
  ['state', 'objective', 'task', 'worker'],
  {
    kind: 'run',
    head: ['ID', 'STATUS', 'TIME', 'TASK', 'WHAT'],
    dispensable: 3,
    row: (item, { now, style }) => [
      { text: item.runId },
      stateCell(item.status, style),
      { text: item.startedAt === null ? '-' : durationText((item.endedAt ?? now) - item.startedAt) },
      { text: item.taskId },
      { text: wordsOf(item), tone: 'faint' },
    ],
  },
);

export const gatesCommand = list<GateItem>(
  {
    name: 'gates',
    summary: 'list gates',
    examples: ['conductor gates --state open'],
  },
  ['state', 'objective', 'task', 'run', 'worker', 'type'],
  {
    kind: 'gate',
    head: ['ID', 'STATE', 'TYPE', 'TASK', 'QUESTION'],
    dispensable: 3,
    row: (item, { style }) => [
      { text: item.gateId },
      stateCell(item.state, style),
      { text: item.type },
      dash(item.taskId),
      { text: item.ask },
    ],
  },
);

export const artifactsCommand = list<ArtifactItem>(
  {
    name: 'artifacts',
    summary: 'list artifacts',
    examples: ['conductor artifacts --run run-01k', 'conductor artifacts --type test_result'],
  },
  ['objective', 'task', 'run', 'type'],
  {
    kind: 'artifact',
    head: ['ID', 'TYPE', 'SIZE', 'AGE', 'NAME'],
    row: (item, { now }) => [
      { text: item.artifactId },
      { text: item.type },
      { text: bytesText(item.bytes) + (item.truncated ? ' cut' : '') },
      { text: agoText(item.createdAt, now) },
      { text: item.name },
    ],
  },
);
