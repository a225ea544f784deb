/**
 * The live picture of an objective: tasks as a tree by their dependencies, what each does, what it waits for. Pure: view to lines.
 *
 * F1. No line is wider than `columns`, and there are at most `rows - 1` lines: the cursor stands below them.
 * F2. When there are too many lines, completed tasks are folded first, then what waits, then the end of the list.
 */
import { stateMark, type Style } from '../output/style.ts';
import { fitText, oneLine, padText, textWidth } from '../output/text-width.ts';
import { durationText, plural } from '../output/time-text.ts';
import { nameOf, waitsFor, wordsOfTask, type ObjectiveView, type Seen } from './objective-view.ts';

export type Frame = {
  readonly columns: number;
  readonly rows: number;
  /** Ms since the epoch. */
  readonly now: number;
  readonly style: Style;
  /** Said under the tasks: connection lost, canceling. */
  readonly notice: string | null;
};

const INDENT_MAX = 8;
const NAME_CELLS_MAX = 32;
/** The widest state of a task, `needs_review`. */
const STATE_CELLS = 12;
const TIME_CELLS = 6;

type Placed = { readonly task: Seen<'task'>; readonly depth: number };

export const renderFrame = (view: ObjectiveView, frame: Frame): string[] => {
  const head = headLine(view, frame);
  const foot = footLine(view, frame);
  const room = Math.max(1, frame.rows - 1 - 1 - (foot === null ? 0 : 1));
  const placed = placeTasks(view);
  const nameCells = Math.min(
    NAME_CELLS_MAX,
    Math.max(4, Math.floor(frame.columns / 3)),
    Math.max(4, ...placed.map(({ task, depth }) => indentOf(depth) + textWidth(oneLine(nameOf(task))))),
  );
  const lines = foldLines(placed, room, {
    task: (one) => taskLine(view, one, { ...frame, nameCells }),
    folded: (text) => fitText(`  ${text}`, frame.columns),
  });
  return [head, ...lines, ...(foot === null ? [] : [foot])].slice(0, Math.max(1, frame.rows - 1));
};

/**
 * Each task stands below the one of its dependencies that comes last; the others show in what it waits for.
 * Plan order among brothers.
 */
export const placeTasks = (view: ObjectiveView): Placed[] => {
  const byName = new Map(view.tasks.map((task) => [task.context.planId ?? task.id, task]));
  const depths = new Map<string, number>();
  const parents = new Map<string, string>();
  // A plan has no cycles and names what comes earlier or later; a stack instead of recursion takes a chain of a thousand.
  for (const start of byName.keys()) {
    const stack = [start];
    while (stack.length > 0) {
      const name = stack.at(-1)!;
      const wanted = (view.dependencies.get(name) ?? []).filter((one) => byName.has(one));
      const open = wanted.find((one) => !depths.has(one) && !stack.includes(one));
      if (open !== undefined) {
        stack.push(open);
        continue;
      }
      stack.pop();
      const last = wanted.toSorted((left, right) => (depths.get(right) ?? 0) - (depths.get(left) ?? 0))[0];
      depths.set(name, last === undefined ? 0 : (depths.get(last) ?? 0) + 1);
      if (last !== undefined) parents.set(name, last);
    }
  }
  return inTreeOrder(byName, parents).map((name) => ({ task: byName.get(name)!, depth: depths.get(name) ?? 0 }));
};

const inTreeOrder = (byName: ReadonlyMap<string, unknown>, parents: ReadonlyMap<string, string>): string[] => {
  const children = new Map<string | null, string[]>();
  for (const name of byName.keys()) {
    const parent = parents.get(name) ?? null;
    children.set(parent, [...(children.get(parent) ?? []), name]);
  }
  const order: string[] = [];
  const stack = (children.get(null) ?? []).toReversed();
  while (stack.length > 0) {
    const name = stack.pop()!;
    order.push(name);
    stack.push(...(children.get(name) ?? []).toReversed());
  }
  return order;
};

const indentOf = (depth: number): number => Math.min(depth, INDENT_MAX) * 2;

const headLine = (view: ObjectiveView, { columns, now, style }: Frame): string => {
  const { objective, tasks } = view;
  const done = tasks.filter(({ state }) => state === 'completed').length;
  const state = objective?.state ?? 'active';
  const age = objective === null ? '' : `  ${durationText(now - objective.context.createdAt)}`;
  const tail = `  ${state}  ${String(done)}/${String(tasks.length)}${age}`;
  const title = fitText(oneLine(objective?.context.title ?? view.objectiveId), columns - tail.length);
  return style.paint('strong', title) + fitText(tail, columns - textWidth(title));
};

const footLine = (view: ObjectiveView, { columns, style, notice }: Frame): string | null => {
  if (notice !== null) return style.paint('warn', fitText(oneLine(notice), columns));
  const gates = view.openGates.length;
  if (gates === 0) return null;
  const [gate] = view.openGates;
  const verb = gate!.context.gateType === 'needs_input' ? 'answer' : 'approve';
  return style.paint('warn', fitText(`${plural(gates, 'open gate')}: conductor gate ${verb} ${gate!.id}`, columns));
};

const taskLine = (
  view: ObjectiveView,
  { task, depth }: Placed,
  frame: Frame & { readonly nameCells: number },
): string => {
  const { columns, style, nameCells, now } = frame;
  const shown = shownState(view, task);
  const { tone, symbol } = stateMark(shown, style);
  const text = oneLine(nameOf(task));
  const indent = Math.min(indentOf(depth), Math.max(0, nameCells - Math.min(4, textWidth(text))));
  const name = ' '.repeat(indent) + fitText(text, nameCells - indent);
  const fixed = [
    padText(name, nameCells),
    padText(shown, STATE_CELLS),
    padText(elapsedOf(view, task, now), TIME_CELLS),
  ];
  const lead = `${symbol} ${fixed[0]!}  `;
  if (columns < textWidth(lead) + STATE_CELLS) return style.paint(tone, fitText(lead.trimEnd(), columns));
  const middle = `${fixed[1]!} ${fixed[2]!} `;
  const rest = columns - textWidth(lead) - middle.length;
  const says = rest > 3 ? fitText(oneLine(saysOf(view, task, frame)), rest) : '';
  const whole = `${style.paint(tone, symbol)} ${fixed[0]!}  ${style.paint(tone, fixed[1]!)} ${fixed[2]!} ${style.paint('faint', says)}`;
  return rest >= 0 ? whole.replace(/ +$/, '') : style.paint(tone, fitText(`${lead}${fixed[1]!}`, columns));
};

/** A run that waits for an answer, verifies or starts says more than `running`. */
const shownState = (view: ObjectiveView, task: Seen<'task'>): string => {
  const run = task.state === 'running' ? view.runOf(task) : null;
  const telling = ['waiting_input', 'verifying', 'starting', 'completing'];
  if (run !== null && telling.includes(run.state)) return run.state === 'waiting_input' ? 'asks' : run.state;
  return task.context.bucket === 'waiting' || task.context.bucket === 'delayed' ? task.context.bucket : task.state;
};

const elapsedOf = (view: ObjectiveView, task: Seen<'task'>, now: number): string => {
  const run = view.runOf(task);
  if (run === null) return '';
  const from = run.context.startedAt ?? run.context.createdAt;
  return durationText((run.context.endedAt ?? now) - from);
};

/** What it does, what it waits for, or why it stands. */
const saysOf = (view: ObjectiveView, task: Seen<'task'>, { now }: Frame): string => {
  const { context } = task;
  if (task.state === 'running') return questionOf(view, task) ?? wordsOfTask(task);
  if (task.state === 'completed') {
    return [context.branch, context.commit?.slice(0, 10)].filter((part) => part != null).join(' ');
  }
  if (context.bucket === 'waiting' || context.blockedBy === 'dependency') {
    const waits = waitsFor(view, task);
    if (waits.length > 0) return `after ${waits.join(', ')}`;
  }
  return reasonOf(task, now);
};

const questionOf = (view: ObjectiveView, task: Seen<'task'>): string | null => {
  const run = view.runOf(task);
  if (run?.state !== 'waiting_input') return null;
  return view.gates.find(({ id }) => id === run.context.waitingGateId)?.context.ask ?? null;
};

const reasonOf = (task: Seen<'task'>, now: number): string => {
  const { bucket, notBefore } = task.context;
  const why = wordsOfTask(task);
  if (bucket === 'delayed' && notBefore !== null) {
    return `again in ${durationText(notBefore - now)}${why === '' ? '' : `: ${why}`}`;
  }
  return why === '' && bucket === 'ready' ? 'waits for a slot' : why;
};

type LineMakers = { readonly task: (one: Placed) => string; readonly folded: (text: string) => string };

/** F2. */
const foldLines = (placed: readonly Placed[], room: number, make: LineMakers): string[] => {
  const fold = (kept: readonly Placed[], folded: readonly string[]): string[] => [...folded, ...kept.map(make.task)];
  if (placed.length <= room) return fold(placed, []);
  const open = placed.filter(({ task }) => task.state !== 'completed');
  const done = placed.length - open.length;
  const folded = done > 0 ? [make.folded(plural(done, 'completed task'))] : [];
  if (open.length + folded.length <= room) return fold(open, folded);
  const urgent = open.filter(({ task }) => task.context.bucket !== 'waiting');
  const waiting = open.length - urgent.length;
  if (waiting > 0) folded.push(make.folded(plural(waiting, 'waiting task')));
  const left = room - folded.length;
  if (urgent.length <= left) return fold(urgent, folded);
  const kept = urgent.slice(0, Math.max(0, left - 1));
  return [...fold(kept, folded), make.folded(`and ${plural(urgent.length - kept.length, 'task')} more`)].slice(-room);
};
