/** Pictures: the chart of every machine, and the tasks of an objective with what they wait for. */
import { Type } from 'typebox';
import { ACTOR_KINDS, idPattern, kindOfId } from '../machines/ids.ts';
import type { StoreReader } from '../persistence/store.ts';
import { CHART_NAMES, type ChartName } from './charts/chart-machines.ts';
import { ChartLayoutSchema } from './charts/chart-layout.ts';
import { chartLayout, taskLayout } from './charts/layout-source.ts';
import { TaskLayoutSchema, type TaskGraph } from './charts/task-layout.ts';
import { momentSeq } from './moment-parameters.ts';
import { contextOf, needActor, type HandlerContext } from './operation-context.ts';
import { defineOperation, READERS, said } from './operation.ts';
import { closed, objectiveId, oneOf, optional } from './parameter-schemas.ts';
import { CoverageSchema, coverageIn } from './read-models/machine-coverage.ts';
import { chartGraph, drawMachine, isChartName, PICTURE_FORMATS } from './read-models/machine-picture.ts';
import { activeStates } from './read-models/branch-verdicts.ts';
import { presentAt } from './read-models/moment.ts';
import { OVERVIEW_LIMITS } from './read-models/overview-scope.ts';
import { specFacts } from './read-models/spec-facts.ts';

/** States that are lit in one picture, and characters of the id of one. */
const ACTIVE_MAX = 64;
const STATE_ID_MAX = 128;

const machine = Type.String({
  pattern: `^(${CHART_NAMES.join('|')})$|${ACTOR_KINDS.map(idPattern).join('|')}`,
  patternSays: `be one of ${CHART_NAMES.join(', ')}, or the id of an actor`,
});

const texts = Type.Array(Type.String());
const maybe = Type.Union([Type.String(), Type.Null()]);
const GraphSchema = closed({
  machine: Type.String(),
  version: Type.String(),
  states: Type.Array(
    closed({
      id: Type.String(),
      key: Type.String(),
      parent: maybe,
      kind: oneOf(['atomic', 'compound', 'parallel', 'final', 'history']),
      initial: maybe,
      description: maybe,
      tags: texts,
      entry: texts,
      exit: texts,
    }),
  ),
  edges: Type.Array(
    closed({
      id: Type.String(),
      source: Type.String(),
      event: Type.String(),
      guard: maybe,
      targets: texts,
      actions: texts,
      description: maybe,
    }),
  ),
});

export const getMachine = defineOperation({
  name: 'conductor_get_machine',
  title: 'Show the chart of a machine',
  description:
    'States and transitions of a machine, where they stand in its picture, and how often the generated tests took each. By the name ' +
    'of the machine or the id of an actor.',
  params: closed({ machine }),
  result: closed({
    graph: GraphSchema,
    layout: ChartLayoutSchema,
    /** The same without the texts of transitions: small enough to be seen at once. */
    outline: ChartLayoutSchema,
    /** null: nobody measured this version here. */
    coverage: Type.Union([CoverageSchema, Type.Null()]),
  }),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const graph = chartGraph(await nameOf(context, params.machine));
    const coverage = coverageIn(await context.machineCoverage(), graph);
    const { states, edges } = graph;
    const [layout, outline] = await Promise.all([chartLayout(graph), chartLayout(graph, 'outline')]);
    const details = { graph: copied(graph), layout, outline, coverage };
    return said(
      `${graph.machine} version ${graph.version}: ${String(states.length)} states, ${String(edges.length)} transitions`,
      details,
    );
  },
});

export const drawMachineOperation = defineOperation({
  name: 'conductor_draw_machine',
  title: 'Draw the chart of a machine',
  description:
    'A machine as SVG, as Mermaid text or as JSON. With the id of an actor its states are lit, as they are now or were after an entry ' +
    'of the journal.',
  params: closed({
    machine,
    format: oneOf(PICTURE_FORMATS),
    active: optional(
      Type.Array(Type.String({ minLength: 1, maxLength: STATE_ID_MAX }), { maxItems: ACTIVE_MAX }),
      'Ids of states to light, e.g. run.running. Default: those of the actor.',
    ),
    seq: momentSeq,
  }),
  result: closed({ machine: Type.String(), format: Type.String(), active: texts, text: Type.String() }),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const name = await nameOf(context, params.machine);
    const of = isChartName(params.machine) ? null : params.machine;
    const present = of === null ? null : await presentAt(context.reader, of, params.seq);
    const active = params.active ?? (present === null ? [] : activeStates(present.snapshot));
    const text = await drawMachine({ machine: name, format: params.format, active, of });
    return said(text, { machine: name, format: params.format, active: [...active], text });
  },
});

export const layoutTasks = defineOperation({
  name: 'conductor_layout_tasks',
  title: 'Lay out the tasks of an objective',
  description:
    'Where each task of an objective stands in a picture from left to right, and the arrows from tasks to those that wait for them.',
  params: closed({ objectiveId }),
  result: TaskLayoutSchema,
  principals: READERS,
  mutates: false,
  handler: async (context, { objectiveId: id }) => {
    await needActor(context, id);
    const graph = await taskGraph(context.reader, id);
    const layout = await taskLayout(graph);
    return said(
      `${String(layout.nodes.length)} tasks, ${String(layout.edges.length)} dependencies, ` +
        `${String(Math.ceil(layout.width))} × ${String(Math.ceil(layout.height))} px`,
      layout,
    );
  },
});

/** @throws ConductorError `not_found` for an actor that is not there */
const nameOf = async (context: HandlerContext, given: string): Promise<ChartName> => {
  if (isChartName(given)) return given;
  const { kind } = await needActor(context, given);
  return kindOfId(given) ?? kind;
};

/** Tasks in the order of their creation, as many as the overview shows. */
const taskGraph = async (reader: StoreReader, objective: string): Promise<TaskGraph> => {
  const tasks: string[] = [];
  for (let after = 0; tasks.length < OVERVIEW_LIMITS.tasks;) {
    const rows = await reader.listRelation('member', objective, { after, limit: 1_000 });
    tasks.push(...rows.map(({ to }) => to));
    if (rows.length < 1_000) break;
    after = rows.at(-1)!.row;
  }
  const known = new Set(tasks);
  const edges: [string, string][] = [];
  for (let first = 0; first < tasks.length; first += 100) {
    for (const actor of (await reader.getActors(tasks.slice(first, first + 100))).values()) {
      const { dependsOn } = await specFacts(reader, contextOf(actor, 'task').spec);
      edges.push(...dependsOn.filter((id) => known.has(id)).map((id): [string, string] => [id, actor.id]));
    }
  }
  return { tasks, edges };
};

/** Results may be changed by whoever gets them; graphs are shared. */
const copied = ({ states, edges, ...head }: ReturnType<typeof chartGraph>) => ({
  ...head,
  states: states.map((state) => ({ ...state, tags: [...state.tags], entry: [...state.entry], exit: [...state.exit] })),
  edges: edges.map((edge) => ({ ...edge, targets: [...edge.targets], actions: [...edge.actions] })),
});

export const chartOperations = [getMachine, drawMachineOperation, layoutTasks] as const;
