/**
 * Goal: what is fitted fits, and what is shown obeys nobody.
 * Method: known widths, and properties over any text.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitText, oneLine, padText, textWidth } from '../../../../src/hosts/cli/output/text-width.ts';

test.each([
  ['plain', 5],
  ['größe', 5],
  ['e\u0301', 1],
  ['日本', 4],
  ['한글', 4],
  ['🎉', 2],
  ['👩‍👩‍👧', 2],
  ['❤️', 2],
  ['', 0],
])('%j takes %i cells', (text, cells) => {
  expect(textWidth(text)).toBe(cells);
});

test('W1: control characters, line ends and marks of direction become one space', () => {
  expect(oneLine('a\u001b[31mb\nc\u202ed\u0007')).toBe('a [31mb c d');
});

test('W2: a fitted text is cut between characters', () => {
  expect(fitText('日本語', 5)).toBe('日本…');
  expect(fitText('日本語', 4)).toBe('日…');
  expect(fitText('abc', 3)).toBe('abc');
  expect(fitText('abc', 0)).toBe('');
  expect(padText('ab', 4)).toBe('ab  ');
});

test('W2: no fitted text is wider than asked', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 0, max: 30 }), (text, cells) => {
      expect(textWidth(fitText(oneLine(text), cells))).toBeLessThanOrEqual(cells);
    }),
  );
});
