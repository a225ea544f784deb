/**
 * Rows of text in columns. The last column takes the rest of the line.
 *
 * T1. No line is wider than `columns`; Infinity cuts nothing.
 */
import type { Style, Tone } from './style.ts';
import { fitText, oneLine, padText, textWidth } from './text-width.ts';

export type Cell = { readonly text: string; readonly tone?: Tone };
export type TextTable = {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** A column that goes when the last one would be narrower than 20 cells. */
  readonly dispensable?: number;
};

const GAP = '  ';
/** A title narrower than this says nothing; then the line is cut instead. */
const LAST_CELLS_MIN = 8;
const LAST_CELLS_WANTED = 20;

/** The lines of a table, head first. */
export const tableLines = (table: TextTable, columns: number, style: Style): string[] => {
  const { head, rows, dispensable } = table;
  const cleaned = rows.map((row) => row.map((cell) => ({ ...cell, text: oneLine(cell.text) })));
  const widths = head.map((title, index) =>
    Math.max(textWidth(title), ...cleaned.map((row) => textWidth(row[index]?.text ?? ''))),
  );
  const lead = widths.slice(0, -1).reduce((sum, width) => sum + width + GAP.length, 0);
  if (dispensable !== undefined && columns - lead < LAST_CELLS_WANTED) {
    const keep = <Item>(list: readonly Item[]): Item[] => list.filter((_, index) => index !== dispensable);
    return tableLines({ head: keep(head), rows: rows.map(keep) }, columns, style);
  }
  const rest = Math.max(LAST_CELLS_MIN, columns - lead);
  const line = (cells: readonly Cell[]): string => {
    const texts = cells.map(({ text }, index) =>
      index === head.length - 1 ? fitText(text, rest) : padText(text, widths[index]!),
    );
    const whole = texts.join(GAP).trimEnd();
    if (textWidth(whole) > columns) return fitText(whole, columns);
    return texts
      .map((text, index) => style.paint(cells[index]?.tone ?? 'normal', text))
      .join(GAP)
      .replace(/ +$/, '');
  };
  return [line(head.map((text) => ({ text, tone: 'faint' as const }))), ...cleaned.map(line)];
};
