/** What the fixture server answers to operations: computed from its items, as the kernel would, but without one. */
import type { CallRequest } from '../../src/hosts/inspector/protocol.ts';
import type { ErrorCode } from '../../src/machines/errors.ts';
import type { OverviewTask } from '../../src/operations/read-models/overview.ts';
import { fixtureOverview } from './fixture-project.ts';
import { fixtureServices } from './fixture-tree.ts';
import type { FixtureProject } from './fixture-server.ts';

export class FixtureRefusal extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

type Params = Readonly<Record<string, unknown>>;

const NODE = { width: 200, height: 52, gapX: 56, gapY: 14 };

/** Columns by depth, which is what the supervisor does with large sets. */
const layoutOf = (tasks: readonly OverviewTask[]) => {
  const byId = new Map(tasks.map((task) => [task.taskId, task]));
  const depths = new Map<string, number>();
  const depthOf = (task: OverviewTask): number => {
    const known = depths.get(task.taskId);
    if (known !== undefined) return known;
    const parents = task.dependsOn.map((id) => byId.get(id)).filter((parent) => parent !== undefined);
    const depth = parents.length === 0 ? 0 : 1 + Math.max(...parents.map((parent) => depthOf(parent)));
    depths.set(task.taskId, depth);
    return depth;
  };
  const rows = new Map<number, number>();
  const nodes = tasks.map((task) => {
    const depth = depthOf(task);
    const row = rows.get(depth) ?? 0;
    rows.set(depth, row + 1);
    return {
      taskId: task.taskId,
      x: depth * (NODE.width + NODE.gapX),
      y: row * (NODE.height + NODE.gapY),
      width: NODE.width,
      height: NODE.height,
    };
  });
  const at = new Map(nodes.map((node) => [node.taskId, node]));
  const edges = tasks.flatMap((task) =>
    task.dependsOn.map((from) => {
      const [a, b] = [at.get(from)!, at.get(task.taskId)!];
      const [ay, by, middle] = [a.y + a.height / 2, b.y + b.height / 2, b.x - NODE.gapX / 2];
      const points = [
        { x: a.x + a.width, y: ay },
        { x: middle, y: ay },
        { x: middle, y: by },
        { x: b.x, y: by },
      ];
      return { from, to: task.taskId, points };
    }),
  );
  const width = Math.max(0, ...nodes.map((node) => node.x + node.width));
  const height = Math.max(0, ...nodes.map((node) => node.y + node.height));
  return { nodes, edges, width, height };
};

const PATCH = `diff --git a/src/parser/expression.ts b/src/parser/expression.ts
index 1f2e3d4..5a6b7c8 100644
--- a/src/parser/expression.ts
+++ b/src/parser/expression.ts
@@ -10,7 +10,9 @@ export const parseExpression = (tokens: Tokens): Expression => {
   const left = parseUnary(tokens);
-  if (tokens.next === '-') return subtract(left, parseExpression(tokens));
+  const isUnary = tokens.hasSpaceBefore && !tokens.hasSpaceAfter;
+  if (tokens.next === '-' && !isUnary) {
+    return subtract(left, parseExpression(tokens));
+  }
   return left;
 };
`;

const artifactsOf = (runId: unknown) =>
  ['log', 'changed_files', 'test_result', 'completion_report'].map((type, index) => ({
    artifactId: `artifact-06h3k2m9aq000000000${String(index)}`,
    type,
    name: `${type}.txt`,
    bytes: 1_200 * (index + 1),
    sha256: '0'.repeat(64),
    truncated: false,
    producer: index === 3 ? 'child_run' : 'system',
    taskId: null,
    runId,
    objectiveId: null,
    workerId: null,
    metadata: {},
    createdAt: 1_700_000_000_000,
  }));

const resolve = (project: FixtureProject, params: Params, confirm: CallRequest['confirm']) => {
  const { gateId, status } = params;
  const gate = project.items.gates.find((known) => known.gateId === gateId);
  if (gate === undefined) throw new FixtureRefusal('not_found', `there is no ${String(gateId)}`);
  if (gate.state !== 'open') throw new FixtureRefusal('invalid_state', `${gate.gateId} is ${gate.state} already`);
  if (status === 'approved' && gate.type !== 'needs_input' && confirm?.typed !== gate.gateId.slice(-6)) {
    throw new FixtureRefusal('not_permitted', 'what was typed are not the last six characters');
  }
  return { gateId, state: status };
};

const gateItemOf = (project: FixtureProject, { gateId }: Params) => {
  const gate = project.items.gates.find((known) => known.gateId === gateId);
  if (gate === undefined) throw new FixtureRefusal('not_found', `there is no ${String(gateId)} in this project`);
  const isOpen = gate.state === 'open';
  return {
    gate: {
      ...gate,
      operation: 'resolve_blocker',
      targetRevision: null,
      answer: null,
      reason: isOpen ? null : 'write two examples first',
      resolvedBy: isOpen ? null : 'human',
      usedAt: null,
    },
  };
};

const runItemOf = (project: FixtureProject, { runId }: Params) => {
  const run = project.items.runs.find((known) => known.runId === runId);
  if (run === undefined) throw new FixtureRefusal('not_found', `there is no ${String(runId)} in this project`);
  const summary = `${run.progress ?? 'done'}, and what is left is in the notes`;
  return { run: { ...run, completion: run.settled ? { status: run.status, summary } : null } };
};

type Answer = (project: FixtureProject, params: Params, confirm: CallRequest['confirm']) => unknown;

const ANSWERS: Readonly<Record<string, Answer>> = {
  conductor_get_overview: (project, { seq }) =>
    fixtureOverview(project.items, { ...project, seq: Number(seq ?? project.lastSeq) }),
  conductor_layout_tasks: (project, params) =>
    layoutOf(project.items.tasks.filter(({ objectiveId }) => objectiveId === params['objectiveId'])),
  conductor_get_run: runItemOf,
  conductor_get_services: ({ now }) => fixtureServices(now),
  conductor_list_artifacts: (_, { runId }) => ({ items: artifactsOf(runId), nextCursor: null, total: 4 }),
  conductor_read_artifact: () => ({
    content: '3 tests, 1 failed\n  unary minus: expected -1, got 1\n',
    truncated: false,
    diagnostic: null,
  }),
  conductor_read_diff: () => ({ patch: PATCH, truncated: false }),
  conductor_list_events: () => ({ items: [], nextCursor: null, total: null }),
  conductor_get_gate: gateItemOf,
  conductor_resolve_gate: resolve,
};

/** @throws FixtureRefusal */
export const answerOf = (project: FixtureProject, { operation, params, confirm }: CallRequest): unknown => {
  const answer = ANSWERS[operation];
  if (answer === undefined) throw new FixtureRefusal('not_found', `the fixture has no ${operation}`);
  return answer(project, (params ?? {}) as Params, confirm);
};
