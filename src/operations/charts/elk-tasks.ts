/** Lays tasks out with ELK: layers from left to right, few crossings. Runs in the process of `layout-program.ts`. */
import type { ElkNode } from 'elkjs/lib/elk-api.js';
import type { Elk } from './elk-chart.ts';
import { TASK_BOX, TASK_GAP, TASK_MARGIN } from './task-columns.ts';
import type { TaskGraph, TaskLayout } from './task-layout.ts';

export const elkTasks = async (elk: Elk, { tasks, edges }: TaskGraph): Promise<TaskLayout> => {
  const laid: ElkNode = await elk.layout({
    id: 'tasks',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.edgeRouting': 'ORTHOGONAL',
      'elk.spacing.nodeNode': String(TASK_GAP.y),
      'elk.layered.spacing.nodeNodeBetweenLayers': String(TASK_GAP.x),
      'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
      'elk.padding': `[top=${String(TASK_MARGIN)},left=${String(TASK_MARGIN)},bottom=${String(TASK_MARGIN)},right=${String(TASK_MARGIN)}]`,
    },
    children: tasks.map((id) => ({ id, ...TASK_BOX })),
    edges: edges.map(([from, to], index) => ({ id: String(index), sources: [from], targets: [to] })),
  });
  return {
    nodes: (laid.children ?? []).map(({ id, x = 0, y = 0 }) => ({ taskId: id, x, y, ...TASK_BOX })),
    edges: (laid.edges ?? []).map((edge, index) => {
      const [from, to] = edges[index]!;
      const points = (edge.sections ?? []).flatMap(({ startPoint, bendPoints = [], endPoint }) => [
        { x: startPoint.x, y: startPoint.y },
        ...bendPoints.map(({ x, y }) => ({ x, y })),
        { x: endPoint.x, y: endPoint.y },
      ]);
      return { from, to, points };
    }),
    width: laid.width ?? 0,
    height: laid.height ?? 0,
  };
};
