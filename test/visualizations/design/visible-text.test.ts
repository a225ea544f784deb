/**
 * Goal: V1, nothing that a text holds is dropped or hidden.
 * Method: examples of every kind of acting character, and any text at all.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutText, visiblePieces, visibleText } from '../../../visualizations/src/design/visible-text.ts';

const signs = (text: string): string[] =>
  visiblePieces(text).flatMap((piece) => (piece.kind === 'control' ? [piece.name] : []));

test.each([
  ['\u001b[31m', 'escape (U+001B)'],
  ['\u0000', 'null (U+0000)'],
  ['\u202e', 'right-to-left override (U+202E)'],
  ['\u2066', 'left-to-right isolate (U+2066)'],
  ['\u200b', 'zero width space (U+200B)'],
  ['\ufeff', 'byte order mark (U+FEFF)'],
  ['\u009b', 'U+009B'],
  ['a\rb', 'carriage return (U+000D)'],
  ['\u{e0041}', 'U+E0041'],
])('%j is shown by a sign', (text, name) => {
  expect(signs(text)).toEqual([name]);
});

test('line ends, tabs, emoji made of several characters and other scripts are left alone', () => {
  for (const text of ['a\tb\nc', 'one\r\ntwo', '👩‍💻 works', 'مرحبا', 'naïve']) {
    expect(visiblePieces(text)).toEqual([{ kind: 'text', text: text.replaceAll('\r\n', '\n') }]);
  }
});

test('the same character many times is one sign that says how many', () => {
  expect(visiblePieces('\u0007\u0007\u0007')).toEqual([{ kind: 'control', sign: 'BEL×3', name: 'bell (U+0007)' }]);
});

test('V1: whatever the text, the pieces that are shown as they are hold nothing that acts, and none of the rest is lost', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const pieces = visiblePieces(text);
      const shown = pieces.map((piece) => (piece.kind === 'text' ? piece.text : '')).join('');
      expect(signs(shown)).toEqual([]);
      const plain = text.replaceAll('\r\n', '\n');
      expect(shown.length === plain.length).toBe(pieces.every(({ kind }) => kind === 'text'));
    }),
  );
});

test('as one text a sign stands in brackets', () => {
  expect(visibleText('do \u202enow\u0007\u0007')).toBe('do [U+202E]now[BEL×2]');
});

test('a cut never splits a character', () => {
  expect(cutText('ab😀', 3)).toBe('ab');
  expect(cutText('ab😀', 4)).toBe('ab😀');
  expect(cutText('abc', 2)).toBe('ab');
});
