/**
 * Packs rows into one string and one array of numbers for the way between threads, and unpacks them there. Half the time of handing
 * over the rows themselves: a structured clone pays for every single string, this pays once.
 *
 * Every value is one cell: the length of a string within the text, or a mark; a number has its value in the cell after its mark.
 */
export type Value = string | number | null | Uint8Array;
export type Row = readonly Value[];

export type Packed = {
  readonly text: string;
  readonly cells: Float64Array;
  readonly bytes: readonly Uint8Array[];
};

const NULL = -1;
const NUMBER = -2;
const BYTES = -3;

/** Any number of tables; the same number comes back. */
export const packTables = (tables: readonly (readonly Row[])[]): Packed => {
  let text = '';
  const cells: number[] = [];
  const bytes: Uint8Array[] = [];
  for (const rows of tables) {
    cells.push(rows.length);
    for (const row of rows) {
      cells.push(row.length);
      for (const value of row) {
        if (typeof value === 'string') {
          text += value;
          cells.push(value.length);
        } else if (typeof value === 'number') {
          cells.push(NUMBER, value);
        } else if (value === null) {
          cells.push(NULL);
        } else {
          bytes.push(value);
          cells.push(BYTES);
        }
      }
    }
  }
  return { text, cells: Float64Array.from(cells), bytes };
};

export const unpackTables = ({ text, cells, bytes }: Packed): Row[][] => {
  let cell = 0;
  let place = 0;
  let blob = 0;
  const value = (): Value => {
    const mark = cells[cell++]!;
    if (mark >= 0) return text.slice(place, (place += mark));
    if (mark === NUMBER) return cells[cell++]!;
    return mark === NULL ? null : bytes[blob++]!;
  };
  const list = <Item>(read: () => Item): Item[] => {
    const length = cells[cell++]!;
    const items: Item[] = [];
    for (let index = 0; index < length; index += 1) items.push(read());
    return items;
  };
  const tables: Row[][] = [];
  while (cell < cells.length) tables.push(list(() => list(value)));
  return tables;
};
