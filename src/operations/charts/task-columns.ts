/** Lays tasks out in columns by depth: for more of them than ELK should be asked to arrange. */
import type { TaskGraph, TaskLayout } from './task-layout.ts';

/** Sizes in px. */
export const TASK_BOX = { width: 190, height: 46 } as const;
export const TASK_GAP = { x: 56, y: 14 } as const;
export const TASK_MARGIN = 12;
/** Boxes above one another; more of the same depth go into the next column. */
const COLUMN_ROWS = 40;

export const columnTasks = (graph: TaskGraph): TaskLayout => {
  const depths = depthsOf(graph);
  const nodes: TaskLayout['nodes'] = [];
  let x = TASK_MARGIN;
  for (const [, tasks] of [...Map.groupBy(graph.tasks, (id) => depths.get(id) ?? 0)].toSorted(([a], [b]) => a - b)) {
    for (const [index, taskId] of tasks.entries()) {
      const column = Math.floor(index / COLUMN_ROWS);
      const y = TASK_MARGIN + (index % COLUMN_ROWS) * (TASK_BOX.height + TASK_GAP.y);
      nodes.push({ taskId, x: x + column * (TASK_BOX.width + TASK_GAP.y), y, ...TASK_BOX });
    }
    x += Math.ceil(tasks.length / COLUMN_ROWS) * (TASK_BOX.width + TASK_GAP.y) - TASK_GAP.y + TASK_GAP.x;
  }
  const places = new Map(nodes.map((node) => [node.taskId, node]));
  return {
    nodes,
    edges: graph.edges.map(([from, to]) => ({ from, to, points: bend(places.get(from)!, places.get(to)!) })),
    width: Math.max(0, ...nodes.map((node) => node.x + node.width)) + TASK_MARGIN,
    height: Math.max(0, ...nodes.map((node) => node.y + node.height)) + TASK_MARGIN,
  };
};

type Place = { readonly x: number; readonly y: number };

/** Out of the right side, into the left one, with the turn right before it. */
const bend = (from: Place, to: Place): { x: number; y: number }[] => {
  const [startY, endY] = [from.y + TASK_BOX.height / 2, to.y + TASK_BOX.height / 2];
  const turn = to.x - TASK_GAP.x / 2;
  const start = { x: from.x + TASK_BOX.width, y: startY };
  const end = { x: to.x, y: endY };
  return startY === endY ? [start, end] : [start, { x: turn, y: startY }, { x: turn, y: endY }, end];
};

/** Length of the longest way to each task. What stands in a circle, which no plan can make, stays where it was reached last. */
const depthsOf = ({ tasks, edges }: TaskGraph): ReadonlyMap<string, number> => {
  const waiting = new Map(tasks.map((id) => [id, 0]));
  for (const [, to] of edges) waiting.set(to, (waiting.get(to) ?? 0) + 1);
  const next = Map.groupBy(edges, ([from]) => from);
  const depths = new Map<string, number>(tasks.map((id) => [id, 0]));
  const ready = tasks.filter((id) => waiting.get(id) === 0);
  for (let index = 0; index < ready.length; index += 1) {
    const from = ready[index]!;
    for (const [, to] of next.get(from) ?? []) {
      depths.set(to, Math.max(depths.get(to)!, depths.get(from)! + 1));
      const left = waiting.get(to)! - 1;
      waiting.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  return depths;
};
