/** A long list of which only what is seen exists. Rows may differ in height; they are measured. */
import { useEffect, useRef, type ReactNode } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';

type VirtualListProps<Item> = {
  readonly items: readonly Item[];
  readonly label: string;
  readonly keyOf: (item: Item) => string;
  readonly row: (item: Item, index: number) => ReactNode;
  /** Height of a row before it is measured, in px. Default 40. */
  readonly rowHeight?: number;
  /** The list is as high as its rows up to this, then it scrolls, in px. Default 480. */
  readonly heightMax?: number;
  /** A new object brings the row with this index to the upper edge. */
  readonly target?: { readonly index: number } | null;
};

/** Rows beyond the edges, so that a step with the keyboard finds the next one. */
const OVERSCAN = 8;

export const VirtualList = <Item,>({ items, label, keyOf, row, target = null, ...sizes }: VirtualListProps<Item>) => {
  const { rowHeight = 40, heightMax = 480 } = sizes;
  const box = useRef<HTMLDivElement>(null);
  // Its rows are read anew with every picture of this component, which is what the rule is afraid of not happening.
  // oxlint-disable-next-line react/incompatible-library
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: OVERSCAN,
    getItemKey: (index) => {
      const item = items[index];
      return item === undefined ? index : keyOf(item);
    },
  });
  useEffect(() => {
    if (target !== null) rows.scrollToIndex(target.index, { align: 'start' });
  }, [target, rows]);
  const height = rows.getTotalSize();
  return (
    // Scrolls, so it must be reachable by keyboard.
    <div
      ref={box}
      className="virtual-box"
      style={{ maxHeight: heightMax }}
      tabIndex={0}
      role="group"
      aria-label={label}
    >
      <div className="virtual-rows" style={{ height }} role="list">
        {rows.getVirtualItems().map(({ index, key, start }) => {
          const item = items[index];
          return item === undefined ? null : (
            <div
              key={key}
              ref={rows.measureElement}
              data-index={index}
              className="virtual-row"
              role="listitem"
              aria-setsize={items.length}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${String(start)}px)` }}
            >
              {row(item, index)}
            </div>
          );
        })}
      </div>
    </div>
  );
};
