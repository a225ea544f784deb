/**
 * How many cells a text takes on a terminal, and how to make it fit. Texts of tasks come from models and programs.
 *
 * W1. What is shown holds no control character: a title cannot move the cursor, change colours or turn the direction of writing.
 * W2. A fitted text is never wider than it was asked to be, and is cut between characters as people see them.
 */

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** Two cells: East Asian wide and full-width forms (Unicode TR 11), and what is drawn as a picture. */
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f|[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}])/u;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const plain = /^[\u0020-\u007e]*$/;
const unseen = /^[\p{Mark}\p{Format}]+$/u;
/** Control characters, line and paragraph separators, and the marks that turn the direction of writing. */
const unsafe = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]+/gu;

/** The text in one line without anything that a terminal would obey (W1). */
export const oneLine = (text: string): string => (plain.test(text) ? text : text.replace(unsafe, ' ').trim());

const cellsOf = (grapheme: string): number => {
  if (unseen.test(grapheme)) return 0;
  return wide.test(grapheme) ? 2 : 1;
};

/** Cells of a text without control characters. */
export const textWidth = (text: string): number => {
  if (plain.test(text)) return text.length;
  let cells = 0;
  for (const { segment } of segmenter.segment(text)) cells += cellsOf(segment);
  return cells;
};

/** At most `cells` cells; what was cut is shown by `…`. */
export const fitText = (text: string, cells: number): string => {
  if (cells <= 0) return '';
  if (textWidth(text) <= cells) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const next = used + cellsOf(segment);
    if (next > cells - 1) break;
    kept += segment;
    used = next;
  }
  return `${kept.trimEnd()}…`;
};

/** Exactly `cells` cells. */
export const padText = (text: string, cells: number): string => {
  const fitted = fitText(text, cells);
  return fitted + ' '.repeat(Math.max(0, cells - textWidth(fitted)));
};
