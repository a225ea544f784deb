/**
 * Goal: every transition of every machine is taken, every event that must be ignored is ignored everywhere, and whatever a
 * machine asks for on the way is something that can be carried out.
 * Method: explore each machine under its cases, cover the graph with replayed paths, check each node, edge and action.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { EFFECT_SCHEMAS } from '../../src/machines/effects.ts';
import { subjects } from './cases/subjects.ts';
import { misfits, problemsOfAction } from './graph/action-check.ts';
import { coverPaths, type Path } from './graph/cover.ts';
import { coverageOf, writeCoverage, type MachineCoverage } from './graph/coverage-file.ts';
import { explore, type Edge, type Exploration } from './graph/explore.ts';
import { pinnedGraph } from './graph/pinned-graph.ts';
import type { Snapshot } from './graph/stepper.ts';

const written: MachineCoverage[] = [];
afterAll(() => {
  writeCoverage('pure', written);
});

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
const edgesOf = (graph: Exploration): Edge[] => [...graph.nodes.values()].flatMap(({ edges }) => edges);
const stored = ({ value, status, context }: Snapshot) => ({ value, status, context });
const literalsOf = (schema: unknown): string[] =>
  (schema as { anyOf: { properties: { type: { const: string } } }[] }).anyOf.map(
    ({ properties }) => properties.type.const,
  );

describe.each(subjects)('$name', (subject) => {
  const graph = explore(subject);
  const paths: readonly Path[] = coverPaths(graph);
  const coverage = coverageOf(graph, paths);
  written.push(coverage);

  test('every transition is reachable, or has a line that says why not', () => {
    const unreached = graph.all.filter((id) => !graph.reached.has(id));
    expect(unreached).toEqual(Object.keys(subject.unreachable));
  });

  test('the paths take every reachable transition', () => {
    const never = Object.entries(coverage.transitions).filter(([id, n]) => n === 0 && !(id in subject.unreachable));
    expect(never).toEqual([]);
    process.stdout.write(
      `${subject.name}: ${String(graph.reached.size)}/${String(graph.all.length)} transitions, ${String(Object.keys(coverage.ignored).length)} state × event pairs ignored\n`,
    );
  });

  test('an ignored event changes nothing and asks for nothing', () => {
    const offenders = [...graph.nodes.values()].flatMap(({ key, snapshot, edges }) =>
      edges
        .filter(({ ignored, outcome }) => ignored && (outcome.snapshot !== snapshot || outcome.actions.length > 0))
        .map((edge) => `${key} ${edge.case}`),
    );
    expect(offenders).toEqual([]);
  });

  test('a final state takes no event, by its status alone', () => {
    for (const { snapshot, edges } of graph.nodes.values())
      if (snapshot.status !== 'active') expect(edges.every(({ ignored }) => ignored)).toBe(true);
    expect([...graph.nodes.values()].every(({ snapshot }) => ['active', 'done'].includes(snapshot.status))).toBe(true);
  });

  test('every kind of event has a case, and every event that a case makes is valid', () => {
    const edges = edgesOf(graph);
    expect(unique(edges.map(({ event }) => event.type)).toSorted()).toEqual(literalsOf(subject.eventSchema).toSorted());
    expect(
      unique(edges.flatMap((edge) => misfits(subject.eventSchema, edge.event).map((m) => `${edge.case} ${m}`))),
    ).toEqual([]);
  });

  test('inputs and reachable contexts fit their schemas', () => {
    const inputs = Object.values(subject.inputs).flatMap((input) => misfits(subject.inputSchema, input));
    const contexts = [...graph.nodes.values()].flatMap(({ snapshot }) =>
      misfits(subject.contextSchema, snapshot.context),
    );
    expect([...inputs, ...contexts.slice(0, 3)]).toEqual([]);
  });

  test('a stored snapshot is the same one, and takes the same steps', () => {
    for (const { snapshot, edges } of graph.nodes.values()) {
      const restored = JSON.parse(JSON.stringify(stored(snapshot))) as Snapshot;
      expect(restored).toEqual(stored(snapshot));
      if (snapshot.status !== 'active') continue;
      const revived = subject.machine.resolveState(restored as never) as unknown as Snapshot;
      for (const { event, outcome, ignored } of edges) {
        if (ignored) continue;
        const again = graph.stepper.step(revived, event);
        expect(again.taken).toEqual(outcome.taken);
        expect(stored(again.snapshot)).toEqual(stored(outcome.snapshot));
        expect(again.actions).toEqual(outcome.actions);
      }
    }
  });

  test('every action is a known one whose parameters, messages and inputs fit', () => {
    const actions = [
      ...graph.starts.flatMap(({ outcome }) => outcome.actions),
      ...edgesOf(graph).flatMap(({ outcome }) => outcome.actions),
    ];
    expect(unique(actions.flatMap((action) => problemsOfAction(subject, action)))).toEqual([]);
  });

  test('whoever waits for an effect handles that it was given up', () => {
    const unhandled = [...graph.starts, ...edgesOf(graph)].flatMap(({ outcome }) =>
      outcome.actions
        .filter(({ type }) => type in EFFECT_SCHEMAS && !(type in subject.expendableEffects))
        .filter(({ type: effect }) => {
          const at = 1_800_000_000_000;
          const failed = { type: 'effect.failed', at, effect, code: 'internal', message: 'gave up' };
          return graph.stepper.step(outcome.snapshot, failed).taken.length === 0;
        })
        .map(({ type }) => `${JSON.stringify(outcome.snapshot.value)} waits for ${type}`),
    );
    expect(unique(unhandled)).toEqual([]);
  });

  test('the graph is the pinned one', async () => {
    await expect(pinnedGraph(graph)).toMatchFileSnapshot(`pinned/${subject.name}.txt`);
  });
});
