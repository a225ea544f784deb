/** `status`: what is going on in at most 80 columns, and what to do next. */
import type { GateItem, TaskItem } from '../../../operations/read-models/item-schemas.ts';
import { wordsOf } from '../../../operations/read-models/lines.ts';
import type { ProjectStatus } from '../../../operations/read-models/project-status.ts';
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { listPage } from '../operation-calls.ts';
import { stateMark, type Style } from '../output/style.ts';
import { fitText, oneLine } from '../output/text-width.ts';
import { agoText, countText } from '../output/time-text.ts';

const WIDTH = 80;
/** Things shown one by one; the rest is counted. */
const SHOWN_MAX = 5;
const ORDER: readonly (keyof ProjectStatus['counts'])[] = ['objectives', 'tasks', 'runs', 'gates', 'workers'];

export const statusCommand: CommandDefinition = {
  name: 'status',
  summary: 'show what is going on and what to do next',
  examples: ['conductor status', 'conductor status --json'],
  run: async ({ context }) => {
    const port = await context.openPort('read');
    const { details } = await port.call('conductor_get_project', {});
    const status = details as ProjectStatus;
    if (context.json) {
      context.report.result(status, () => []);
      return EXIT.done;
    }
    const count = (kind: keyof ProjectStatus['counts'], state: string): number => status.counts[kind][state] ?? 0;
    const some = async <Item>(kind: 'gate' | 'task', state: string, many: number): Promise<readonly Item[]> =>
      many === 0 ? [] : (await listPage<Item>(port, kind, { state, limit: SHOWN_MAX })).items;
    const [gates, running, review, failed] = await Promise.all([
      some<GateItem>('gate', 'open', count('gates', 'open')),
      some<TaskItem>('task', 'running', count('tasks', 'running')),
      some<TaskItem>('task', 'needs_review', count('tasks', 'needs_review')),
      some<TaskItem>('task', 'failed', count('tasks', 'failed')),
    ]);
    const seen = { status, gates, running, review, failed };
    context.report.result(status, () => statusLines(seen, { now: context.io.now(), style: context.report.style }));
    return EXIT.done;
  },
};

export type StatusSeen = {
  readonly status: ProjectStatus;
  readonly gates: readonly GateItem[];
  readonly running: readonly TaskItem[];
  readonly review: readonly TaskItem[];
  readonly failed: readonly TaskItem[];
};

/** No line is wider than 80 cells. */
export const statusLines = (seen: StatusSeen, look: { readonly now: number; readonly style: Style }): string[] => {
  const { status, running, gates } = seen;
  const { supervisor, project } = status;
  const who =
    supervisor === null
      ? 'not running'
      : `running, pid ${String(supervisor.pid)}, version ${supervisor.version}, started ${agoText(supervisor.startedAt, look.now)}`;
  const inspector = supervisor?.inspector ?? null;
  const lines = [
    `repository  ${project.repoRoot}`,
    `supervisor  ${who}`,
    ...(inspector === null ? [] : [`inspector   ${inspector}  (conductor inspect opens it)`]),
  ].map((line) => fitText(oneLine(line), WIDTH));
  for (const kind of ORDER) {
    const counts = Object.entries(status.counts[kind]).filter(([, count]) => count > 0);
    if (counts.length > 0) lines.push(countsLine(kind, counts, look.style));
  }
  if (running.length > 0) {
    lines.push('');
    for (const task of running) {
      const words = wordsOf(task);
      const text = `${task.taskId}  ${task.title}${words === '' ? '' : `: ${words}`}`;
      lines.push(markedLine('running', text, look.style));
    }
  }
  if (gates.length > 0) lines.push('');
  for (const { gateId, type, ask } of gates) lines.push(markedLine('open', `${gateId}  ${type}: ${ask}`, look.style));
  return [...lines, '', ...nextLines(seen)];
};

const countsLine = (kind: string, counts: readonly (readonly [string, number])[], style: Style): string => {
  let line = kind.padEnd(12);
  let cells = line.length;
  for (const [index, [state, count]] of counts.entries()) {
    const text = `${countText(count)} ${state}`;
    const gap = index === 0 ? '' : ', ';
    if (cells + gap.length + text.length > WIDTH) {
      line += `${gap.trimEnd()}\n${' '.repeat(12)}`;
      cells = 12;
    } else {
      line += gap;
      cells += gap.length;
    }
    line += style.paint(stateMark(state, style).tone, text);
    cells += text.length;
  }
  return line;
};

const markedLine = (state: string, text: string, style: Style): string => {
  const { tone, symbol } = stateMark(state, style);
  return `${style.paint(tone, symbol)} ${fitText(oneLine(text), WIDTH - 2)}`;
};

/** The most urgent thing that a person can do, as a command. */
const nextLines = ({ status, gates, review, failed }: StatusSeen): string[] => {
  const [gate] = gates;
  const [task] = review;
  const [fault] = failed;
  const has = (kind: keyof ProjectStatus['counts'], state: string): boolean => (status.counts[kind][state] ?? 0) > 0;
  if (gate !== undefined) {
    const command =
      gate.type === 'needs_input'
        ? `conductor gate answer ${gate.gateId} TEXT`
        : `conductor gate approve ${gate.gateId}`;
    return [`Next: ${command}`];
  }
  if (task !== undefined) return [`Next: conductor accept ${task.taskId} --reason TEXT`];
  if (has('tasks', 'running')) return ['Next: wait, or watch with conductor events -f'];
  if (has('tasks', 'ready') && status.supervisor === null) return ['Next: conductor start'];
  if (fault !== undefined) return [`Next: conductor retry ${fault.taskId}`];
  if (has('tasks', 'blocked')) return ['Next: conductor tasks --state blocked'];
  if (has('tasks', 'ready')) return ['Next: conductor tasks --state ready'];
  return [Object.keys(status.counts.tasks).length === 0 ? 'Next: conductor run PLAN' : 'Nothing to do.'];
};
