/** Rows of output with colours, matches and signs for what a terminal would act on. Only what is seen exists. */
import { Fragment, memo, useEffect, useRef, type ReactNode } from 'react';
import { useVirtualizer } from '@tanstack/react-virtual';
import { formatCount } from '../../../design/format.ts';
import { visiblePieces } from '../../../design/visible-text.ts';
import { ansiPieces } from './ansi-text.ts';
import { markMatches } from './log-search.ts';
import type { LogRow } from './log-text.ts';

const ROW_PX = 20;
const OVERSCAN = 12;
/** How near the end counts as at the end, in px. */
const END_PX = 24;
const SCROLL_KEYS: readonly string[] = ['Home', 'End', ' '];

const signed = (text: string): ReactNode[] =>
  visiblePieces(text).map((piece, index) =>
    piece.kind === 'text' ? (
      piece.text
    ) : (
      // oxlint-disable-next-line react/no-array-index-key -- pieces of a row have no other name than their place
      <span key={index} className="control-sign" title={piece.name}>
        {piece.sign}
      </span>
    ),
  );

const marked = (text: string, query: string): ReactNode[] =>
  markMatches(text, query).map((piece) =>
    piece.isMatch ? (
      <mark key={piece.at}>{signed(piece.text)}</mark>
    ) : (
      <Fragment key={piece.at}>{signed(piece.text)}</Fragment>
    ),
  );

type RowProps = {
  readonly row: LogRow;
  readonly query: string;
  readonly isCurrent: boolean;
  readonly onOpen: (line: number) => void;
};

const OutputRow = memo(({ row, query, isCurrent, onOpen }: RowProps) => (
  <div className={isCurrent ? 'log-row is-current' : 'log-row'}>
    <span className="log-number" aria-hidden="true">
      {row.part === 0 ? row.line.number : ''}
    </span>
    <span className="log-text" dir="ltr">
      {ansiPieces(row.text, row.carried).map(({ text, className }, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- pieces of a row have no other name than their place
        <bdi key={index} className={className}>
          {marked(text, query)}
        </bdi>
      ))}
      {row.hidden === 0 ? null : (
        <button
          type="button"
          className="log-open"
          onClick={() => {
            onOpen(row.line.number);
          }}
        >
          … show all {formatCount(row.line.text.length)} characters
        </button>
      )}
    </span>
  </div>
));
OutputRow.displayName = 'OutputRow';

type LogRowsProps = {
  readonly rows: readonly LogRow[];
  readonly label: string;
  readonly query: string;
  /** The match that was gone to. */
  readonly current: number | null;
  /** Another one for every time that somebody goes to a match. */
  readonly arrival: unknown;
  readonly isFollowing: boolean;
  readonly onScroll: (isAtEnd: boolean) => void;
  readonly onOpen: (line: number) => void;
};

type RowList = ReturnType<typeof useVirtualizer<HTMLDivElement, Element>>;

/** Pictures within which a row is brought into sight: rows above it are measured one after the other as they come near. */
const ARRIVAL_PICTURES = 20;

/** Brings the row into sight, also when rows on the way turn out higher than they were thought to be. */
const useArrival = (list: RowList, row: number | null, arrival: unknown): void => {
  const wanted = useRef({ row, arrival, left: 0 });
  useEffect(() => {
    const isNew = wanted.current.row !== row || wanted.current.arrival !== arrival;
    if (isNew) wanted.current = { row, arrival, left: ARRIVAL_PICTURES };
    const { left } = wanted.current;
    if (row === null || left === 0) return;
    const { startIndex, endIndex } = list.range ?? { startIndex: 0, endIndex: -1 };
    const isSeen = !isNew && row >= startIndex && row <= endIndex;
    wanted.current.left = isSeen ? 0 : left - 1;
    if (!isSeen) list.scrollToIndex(row, { align: 'center' });
  });
};

export const LogRows = ({ rows, label, query, current, arrival, isFollowing, onScroll, onOpen }: LogRowsProps) => {
  const box = useRef<HTMLDivElement>(null);
  // Its rows are read anew with every picture of this component, which is what the rule is afraid of not happening.
  // oxlint-disable-next-line react/incompatible-library
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
  });
  const last = rows.length - 1;
  useEffect(() => {
    if (isFollowing && last >= 0) list.scrollToIndex(last, { align: 'end' });
  }, [isFollowing, last, list]);
  useArrival(list, current, arrival);
  return (
    <div
      ref={box}
      className="log-box"
      tabIndex={0}
      role="region"
      aria-label={label}
      onKeyDown={(event) => {
        // Inside the output these scroll it; elsewhere they are the page's.
        if (SCROLL_KEYS.includes(event.key)) event.stopPropagation();
      }}
      onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
        onScroll(scrollHeight - scrollTop - clientHeight < END_PX);
      }}
    >
      <div className="log-rows" style={{ height: list.getTotalSize() }}>
        {list.getVirtualItems().map(({ index, key, start }) => {
          const row = rows[index];
          return row === undefined ? null : (
            <div
              key={key}
              ref={list.measureElement}
              data-index={index}
              className="virtual-row"
              style={{ transform: `translateY(${String(start)}px)` }}
            >
              <OutputRow row={row} query={query} isCurrent={index === current} onOpen={onOpen} />
            </div>
          );
        })}
      </div>
    </div>
  );
};
