/**
 * How deep a YAML text is nested, told from its tokens without recursion. The parser itself recurses: a text of a few thousand
 * brackets overflows its stack, and near the end of the stack the engine may abort the whole process.
 */
import { CST, Lexer } from 'yaml';

/** Plans and configuration need six. */
export const NESTING_MAX = 64;
/** Block levels are bounded by their column: each needs at least one character of indentation. */
const COLUMN_MAX = 256;

/** What follows it is the text of a scalar, whatever it looks like. */
const SCALAR_MARK = '\u001f';

/** Tokens that go one level down; those of a block count again on every line. */
const FLOW_STEP: ReadonlyMap<string, number> = new Map([
  ['flow-map-start', 1],
  ['flow-seq-start', 1],
  ['flow-map-end', -1],
  ['flow-seq-end', -1],
]);
const BLOCK_STARTS: ReadonlySet<string> = new Set(['seq-item-ind', 'explicit-key-ind', 'map-value-ind']);

/** @returns levels, or Infinity as soon as there are more than `NESTING_MAX` of them or a block starts beyond column 256. */
export const nestingOf = (text: string): number => {
  let deepest = 0;
  let flow = 0;
  let blocks = 0;
  let isLineStart = true;
  let isScalarText = false;
  for (const token of new Lexer().lex(text)) {
    const type = (isScalarText ? null : CST.tokenType(token)) ?? 'scalar';
    isScalarText = token === SCALAR_MARK;
    flow = Math.max(0, flow + (FLOW_STEP.get(type) ?? 0));
    if (flow === 0 && BLOCK_STARTS.has(type)) blocks += 1;
    if (type === 'newline') blocks = 0;
    deepest = Math.max(deepest, flow, blocks);
    const isIndented = isLineStart && type === 'space' && token.length > COLUMN_MAX;
    if (isIndented || deepest > NESTING_MAX) return Infinity;
    isLineStart = type === 'newline';
  }
  return deepest;
};
