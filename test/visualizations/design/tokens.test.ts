/**
 * Goal: every pair of colours that carries text or meaning can be read by people with low vision, in both themes.
 * Method: read tokens.css, compute the contrast of each pair by the formula of WCAG 2.2, compare with level AA.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { KNOWN_STATES, stateLook, TONES } from '../../../visualizations/src/design/state-looks.ts';

const css = readFileSync(new URL('../../../visualizations/src/design/tokens.css', import.meta.url), 'utf8');

const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name, light, dark]) => [name!, { light: light!, dark: dark! }] as const,
  ),
);
const THEMES = ['light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const luminance = (hex: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.040_45 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};

const contrast = (a: string, b: string): number => {
  const [light, dark] = [luminance(a), luminance(b)].toSorted((x, y) => y - x) as [number, number];
  return (light + 0.05) / (dark + 0.05);
};

const colour = (name: string, theme: Theme): string => {
  const token = tokens.get(name);
  if (token === undefined) throw new Error(`tokens.css has no --${name} for both themes`);
  return token[theme];
};

const tooLow = (pairs: readonly (readonly [string, string])[], least: number): string[] =>
  THEMES.flatMap((theme) =>
    pairs.flatMap(([front, back]) => {
      const value = contrast(colour(front, theme), colour(back, theme));
      return value >= least ? [] : [`${theme}: --${front} on --${back} has ${value.toFixed(2)}`];
    }),
  );

const pairsOf = (fronts: readonly string[], backs: readonly string[]): (readonly [string, string])[] =>
  fronts.flatMap((front) => backs.map((back) => [front, back] as const));

const GROUNDS = ['canvas', 'surface', 'raised'];

test('the contrast is computed as WCAG says', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
});

test('text can be read on every ground: 4.5 to 1', () => {
  expect(tooLow(pairsOf(['text', 'muted', 'accent'], GROUNDS), 4.5)).toEqual([]);
  expect(tooLow([['on-accent', 'accent']], 4.5)).toEqual([]);
});

test('the name of a state can be read on its tint and on every ground: 4.5 to 1', () => {
  expect(
    tooLow(
      TONES.flatMap((tone) => pairsOf([tone], [`${tone}-tint`, ...GROUNDS])),
      4.5,
    ),
  ).toEqual([]);
});

test('titles can be read on the tint of a state: 4.5 to 1', () => {
  expect(
    tooLow(
      TONES.map((tone) => ['text', `${tone}-tint`] as const),
      4.5,
    ),
  ).toEqual([]);
});

test('borders of fields and the mark of the focus can be seen: 3 to 1', () => {
  expect(tooLow(pairsOf(['line-strong', 'focus'], GROUNDS), 3)).toEqual([]);
});

test('two states of the same colour that mean different things differ in shape', () => {
  const bad = [
    'needs_review',
    'failed',
    'blocked',
    'completed',
    'running',
    'canceled',
    'ready',
    'partial',
    'interrupted',
  ];
  const shapes = bad.map((state) => stateLook(state).shape);
  expect(new Set(shapes).size).toBe(bad.length);
});

test('a state that nobody knows is shown by its name', () => {
  expect(KNOWN_STATES).not.toContain('brand_new');
  expect(stateLook('brand_new')).toEqual({ tone: 'idle', shape: 'query', label: 'brand new' });
  expect(stateLook('constructor')).toEqual({ tone: 'idle', shape: 'query', label: 'constructor' });
});
