/**
 * Goal: a chart stays under the pointer, fits its place and shows what is lit.
 * Method: geometry on numbers; lighting on the graphs of the real machines.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MACHINES } from '../../../src/machines/registry.ts';
import { graphOf } from '../../../src/machines/transition-graph.ts';
import type { ChartForm } from '../../../src/operations/charts/chart-layout.ts';
import { CHART_MACHINES } from '../../../src/operations/charts/chart-machines.ts';
import { CHART_FONT } from '../../../src/operations/charts/chart-text.ts';
import { chartLayout, endLayouts } from '../../../src/operations/charts/layout-source.ts';
import {
  arrowLook,
  chartSentence,
  coverageLight,
  eventsOf,
  lookOf,
  NO_LIGHT,
  whyMarksOf,
} from '../../../visualizations/src/views/entity/chart/chart-light.ts';
import { headPath, linePath } from '../../../visualizations/src/views/entity/chart/chart-paths.ts';
import {
  boundsOf,
  centerOn,
  fitViewport,
  formAtRest,
  keepInSight,
  restViewport,
  zoomAt,
  zoomSight,
  type Charts,
} from '../../../visualizations/src/views/entity/chart/chart-viewport.ts';

const chart = { width: 1_000, height: 2_000 };
const screen = { width: 500, height: 400 };

describe('the viewport', () => {
  test('fits the whole chart with room around it', () => {
    const whole = fitViewport(chart, screen);
    expect(whole.y).toBeCloseTo(12);
    expect(chart.height * whole.scale).toBeCloseTo(screen.height - 24);
    expect(fitViewport({ width: 10, height: 10 }, screen).scale).toBe(1.25);
  });

  test('keeps the point under the pointer while it zooms, up to its limits', () => {
    const at = { x: 120, y: 90 };
    const before = { x: 10, y: 20, scale: 0.5 };
    const after = zoomAt(before, at, 1.7);
    expect((at.x - after.x) / after.scale).toBeCloseTo((at.x - before.x) / before.scale);
    expect((at.y - after.y) / after.scale).toBeCloseTo((at.y - before.y) / before.scale);
    expect(zoomAt(before, at, 1e9).scale).toBe(3);
    expect(zoomAt(before, at, 1e-9).scale).toBe(0.08);
  });

  test('never loses the chart, and centres what it is asked for', () => {
    const gone = keepInSight({ x: 9_999, y: -9_999, scale: 1 }, chart, screen);
    expect(gone.x).toBeLessThan(screen.width);
    expect(gone.y + chart.height).toBeGreaterThan(0);
    const box = boundsOf([
      { x: 0, y: 10, width: 20, height: 10 },
      { x: 100, y: 0, width: 10, height: 50 },
    ])!;
    expect(box).toEqual({ x: 0, y: 0, width: 110, height: 50 });
    const view = centerOn(box, screen);
    expect(55 * view.scale + view.x).toBe(screen.width / 2);
    expect(boundsOf([])).toBeNull();
  });
});

describe('the two forms of a chart', () => {
  /** The place of a chart in a window of 1,440 × 900. */
  const laptop = { width: 976, height: 594 };
  const charts: Record<string, Charts> = {};
  const first = (name: string, form: ChartForm) => charts[name]![form].states[0]!;
  beforeAll(async () => {
    for (const [name, machine] of Object.entries(CHART_MACHINES)) {
      const graph = graphOf(machine);
      charts[name] = { details: await chartLayout(graph), outline: await chartLayout(graph, 'outline') };
    }
  });
  afterAll(endLayouts);

  test('V1: every machine rests in a form and a scale in which names are read, on small screens too', () => {
    for (const size of [
      laptop,
      { width: 360, height: 400 },
      { width: 1_600, height: 860 },
      { width: 640, height: 260 },
    ]) {
      for (const [name, both] of Object.entries(charts)) {
        const form = formAtRest(both, size);
        const { scale } = restViewport(both, form, { screen: size, at: first(name, form) });
        // Px of the screen.
        expect(CHART_FONT.title * scale, `${name} at ${String(size.width)} px`).toBeGreaterThan(8.5);
      }
    }
  });

  test('V1: all of each machine is seen on a laptop, small ones with all their texts', () => {
    for (const [name, both] of Object.entries(charts)) {
      const form = formAtRest(both, laptop);
      const view = restViewport(both, form, { screen: laptop, at: first(name, form) });
      expect(view, name).toEqual(fitViewport(both[form], laptop));
    }
    expect(formAtRest(charts['gate']!, laptop)).toBe('details');
    expect(formAtRest(charts['run']!, laptop)).toBe('outline');
  });

  test('V1: of what does not fit the part around what is active is seen, and no room is empty', () => {
    const run = charts['run']!;
    for (const state of run.details.states) {
      const view = restViewport(run, 'details', { screen: laptop, at: state });
      const [x, y] = [state.x + state.width / 2, state.y + state.height / 2];
      expect(x * view.scale + view.x).toBeGreaterThan(0);
      expect(x * view.scale + view.x).toBeLessThan(laptop.width);
      expect(y * view.scale + view.y).toBeGreaterThan(0);
      expect(y * view.scale + view.y).toBeLessThan(laptop.height);
      expect(view.x).toBeLessThanOrEqual(12);
      expect(view.x + run.details.width * view.scale).toBeGreaterThanOrEqual(laptop.width - 12);
    }
  });

  test('V2: coming nearer gives the details of what is looked at, going away its outline again', () => {
    const run = charts['run']!;
    const middle = { x: laptop.width / 2, y: laptop.height / 2 };
    const running = (form: ChartForm) => run[form].states.find(({ id }) => id === 'run.running')!;
    const placeOf = ({ form, view }: ReturnType<typeof zoomSight>) => {
      const { x, y, width, height } = running(form);
      return [(x + width / 2) * view.scale + view.x, (y + height / 2) * view.scale + view.y];
    };
    let sight = { form: 'outline' as ChartForm, view: centerOn(running('outline'), laptop) };
    const seen: ChartForm[] = [];
    for (const factor of [1.25, 1.25, 1.25, 1.25, 0.8, 0.8, 0.8, 0.8, 0.8]) {
      sight = zoomSight(run, sight, { at: middle, factor });
      seen.push(sight.form);
      expect(placeOf(sight)[0]).toBeCloseTo(middle.x);
      expect(placeOf(sight)[1]).toBeCloseTo(middle.y);
    }
    expect([...new Set(seen.slice(0, 4))]).toEqual(['outline', 'details']);
    expect(seen.at(-1)).toBe('outline');
  });
});

describe('lines', () => {
  test('bend round, end in a head that points along the last stretch, and may be degenerate', () => {
    const points = [
      { x: 0, y: 0 },
      { x: 0, y: 50 },
      { x: 40, y: 50 },
    ];
    expect(linePath(points)).toBe('M0 0L0 44Q0 50 6 50L40 50');
    expect(headPath(points)).toBe('M40 50L32 46L32 54Z');
    expect(linePath([{ x: 1, y: 1 }])).toBe('');
    expect(
      headPath([
        { x: 1, y: 1 },
        { x: 1, y: 1 },
      ]),
    ).toBe('');
    expect(
      linePath([
        { x: 1, y: 1 },
        { x: 1, y: 1 },
        { x: 2, y: 1 },
      ]),
    ).not.toContain('NaN');
  });
});

describe('what is lit', () => {
  const graph = graphOf(MACHINES.gate.machine);
  const [ask, approve] = ['gate.open gate.ask -> (internal)', 'gate.open gate.approve -> gate.approved'];
  test('the question comes before coverage, the last step before what may come', () => {
    expect(graph.edges.map(({ id }) => id)).toEqual(expect.arrayContaining([ask, approve]));
    const light = { ...NO_LIGHT, enabled: new Set([ask!, approve!]), taken: new Set([ask!]) };
    expect(lookOf(ask!, light)).toBe('taken');
    expect(lookOf(approve!, light)).toBe('enabled');
    const why = whyMarksOf([
      {
        transition: approve!,
        source: 'gate.open',
        sourceActive: true,
        guard: 'mayApprove',
        guardHolds: false,
        verdict: 'guard',
      },
    ]);
    expect(lookOf(approve!, { ...light, why })).toBe('why-guard');
    expect(arrowLook([ask!, approve!], light)).toBe('taken');
    expect(arrowLook([ask!, approve!], { ...light, why })).toBe('why-guard');
  });

  test('an arrow of which one transition was not exercised is not exercised', () => {
    const light = coverageLight({ transitions: { [ask!]: 3, [approve!]: 0 }, ignored: {}, unreachable: {} });
    expect(lookOf(ask!, light)).toBe('covered');
    expect(arrowLook([ask!, approve!], light)).toBe('missed');
  });

  test('all events of a machine can be asked about, those that may be taken first, each once', () => {
    const { enabled, others } = eventsOf(graph, [approve!]);
    expect(enabled).toEqual(['gate.approve']);
    expect([...enabled, ...others].toSorted()).toEqual([...new Set(graph.edges.map(({ event }) => event))].toSorted());
    expect(eventsOf(graphOf(MACHINES.objective.machine), []).others).not.toContain('always');
  });

  test('is also said in words', () => {
    expect(
      chartSentence(graph, { ...NO_LIGHT, active: new Set(['gate', 'gate.open']), enabled: new Set([ask!]) }),
    ).toContain('It is in open. 1 transitions may be taken.');
  });
});
