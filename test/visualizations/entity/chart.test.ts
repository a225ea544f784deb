/**
 * Goal: a chart stays under the pointer, fits its place and shows what is lit.
 * Method: geometry on numbers; lighting on the graphs of the real machines.
 */
import { describe, expect, test } from 'vitest';
import { MACHINES } from '../../../src/machines/registry.ts';
import { graphOf } from '../../../src/machines/transition-graph.ts';
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
  keepInSight,
  zoomAt,
} from '../../../visualizations/src/views/entity/chart/chart-viewport.ts';

const chart = { width: 1_000, height: 2_000 };
const screen = { width: 500, height: 400 };

describe('the viewport', () => {
  test('fits the whole chart with room around it, or its width from the top', () => {
    const whole = fitViewport(chart, screen);
    expect(whole.y).toBeCloseTo(12);
    expect(chart.height * whole.scale).toBeCloseTo(screen.height - 24);
    const wide = fitViewport(chart, screen, 'width');
    expect(wide.x).toBeCloseTo(12);
    expect(wide.y).toBe(12);
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
