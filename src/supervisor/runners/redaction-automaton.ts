/**
 * Finds many byte strings in one pass over a stream: the automaton of Aho and Corasick (Communications of the ACM 18(6), 1975),
 * unfolded into a table, with the bytes that no string contains folded into one column.
 *
 * A1. The cost per byte is one look into the table, however many strings there are.
 */

export type Automaton = {
  /** Column of each byte. */
  readonly columnOf: Uint8Array;
  readonly columns: number;
  /** `next[state * columns + column]`; state 0 has read nothing of any string. */
  readonly next: Uint32Array;
  /** How many of the bytes just read are the beginning of a string. */
  readonly depth: Uint32Array;
  /** Length of the longest string that ends here; 0 for none. */
  readonly found: Uint32Array;
};

/** Where a node's fallback leads while the table is being filled. */
type Builder = { readonly automaton: Automaton; readonly fallback: Uint32Array; states: number };

export const buildAutomaton = (patterns: readonly Uint8Array[]): Automaton => {
  const columnOf = new Uint8Array(256);
  let columns = 1;
  for (const pattern of patterns) {
    for (const byte of pattern) if (columnOf[byte] === 0) columnOf[byte] = columns++ % 256;
  }
  // All 256 byte values in use: column 0 is then the 256th value's own, which is as right as "none of them".
  columns = Math.min(columns, 256);
  const size = 1 + patterns.reduce((sum, pattern) => sum + pattern.length, 0);
  const builder: Builder = {
    automaton: {
      columnOf,
      columns,
      next: new Uint32Array(size * columns),
      depth: new Uint32Array(size),
      found: new Uint32Array(size),
    },
    fallback: new Uint32Array(size),
    states: 1,
  };
  for (const pattern of patterns) addPattern(builder, pattern);
  linkFallbacks(builder);
  return builder.automaton;
};

const addPattern = (builder: Builder, pattern: Uint8Array): void => {
  const { columnOf, columns, next, depth, found } = builder.automaton;
  let state = 0;
  for (const byte of pattern) {
    const at = state * columns + columnOf[byte]!;
    if (next[at] === 0) {
      next[at] = builder.states++;
      depth[next[at]!] = depth[state]! + 1;
    }
    state = next[at]!;
  }
  found[state] = pattern.length;
};

/** Breadth first: a state's fallback is shallower than itself, hence complete when it is copied from. */
const linkFallbacks = ({ automaton, fallback }: Builder): void => {
  const { columns, next, found } = automaton;
  const queue = [0];
  for (const state of queue) {
    for (let column = 0; column < columns; column += 1) {
      const at = state * columns + column;
      const child = next[at]!;
      const through = state === 0 ? 0 : next[fallback[state]! * columns + column]!;
      if (child === 0) {
        next[at] = through;
        continue;
      }
      fallback[child] = through;
      found[child] = Math.max(found[child]!, found[through]!);
      queue.push(child);
    }
  }
};
