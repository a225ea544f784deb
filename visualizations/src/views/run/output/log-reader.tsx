/** A text of many lines with search, following and long lines that open: logs, and what verification printed. */
import { useDeferredValue, useEffect, useMemo, useState, type ReactNode } from 'react';
import { Button } from '../../../design/button.tsx';
import { counted } from '../../../design/format.ts';
import { plainText } from './ansi-text.ts';
import { isOver, newSearch, nextMatch, searchOn, type Search } from './log-search.ts';
import { rowsOf, type LogRow, type LogText } from './log-text.ts';
import { LogRows } from './log-rows.tsx';
import { SearchTools, type Found } from './search-tools.tsx';
import type { WholeSearch } from './use-scan.ts';
import './output.css';

/** Rows searched between two pictures: a few ms. */
const SLICE_ROWS = 4_000;
/** After the last letter before all of a long log is searched, in ms. */
const TYPING_MS = 300;

const useSearch = (rows: readonly LogRow[], query: string): Search => {
  const [search, setSearch] = useState<{ readonly rows: readonly LogRow[]; readonly found: Search }>({
    rows,
    found: newSearch(query),
  });
  const wanted = query.toLowerCase();
  const isSame = search.rows === rows && search.found.query === wanted;
  const found = isSame ? search.found : newSearch(query);
  const isDone = isOver(found, rows);
  useEffect(() => {
    if (isDone) return undefined;
    const timer = setTimeout(() => {
      setSearch({ rows, found: searchOn(found, rows, SLICE_ROWS) });
    }, 0);
    return () => {
      clearTimeout(timer);
    };
  }, [rows, found, isDone]);
  return found;
};

/** Searches all of a log of which only a part is held, whenever what is looked for has not changed for a moment. */
const useWholeSearch = (whole: WholeSearch | null, query: string): void => {
  const begin = whole?.begin ?? null;
  useEffect(() => {
    if (begin === null) return undefined;
    const timer = setTimeout(
      () => {
        begin(query);
      },
      query === '' ? 0 : TYPING_MS,
    );
    return () => {
      clearTimeout(timer);
    };
  }, [begin, query]);
};

/** The row of a line that holds the text; the first one of a line that is cut before it. */
const rowOf = (rows: readonly LogRow[], line: number, query: string): number | null => {
  const first = rows.findIndex((row) => row.line.number === line);
  if (first === -1) return null;
  const holds = (row: LogRow): boolean => row.line.number === line && plainText(row.text).toLowerCase().includes(query);
  const found = rows.findIndex((row, index) => index >= first && holds(row));
  return found === -1 ? first : found;
};

type LogReaderProps = {
  readonly text: LogText;
  readonly label: string;
  /** Something more may come: it can be followed. */
  readonly isLive: boolean;
  readonly before?: ReactNode;
  /** Null: the text is all there is. */
  readonly whole?: WholeSearch | null;
  /** Goes back to where more may come. */
  readonly onFollow?: () => void;
};

export const LogReader = ({ text, label, isLive, before, whole = null, onFollow }: LogReaderProps) => {
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const [query, setQuery] = useState('');
  /** Index of a row; where all of a log is searched, the place of a line. */
  const [current, setCurrent] = useState<number | null>(null);
  const [isFollowing, setFollowing] = useState(isLive);
  const rows = useMemo(() => rowsOf(text, opened), [text, opened]);
  const search = useSearch(rows, useDeferredValue(whole === null ? query : ''));
  useWholeSearch(whole, query);
  const looked = query.toLowerCase();
  const found: Found =
    whole === null
      ? { ...search, current, isOver: isOver(search, rows) }
      : { ...whole.scan, current, isOver: whole.scan.state === 'done' };
  const target = whole?.target ?? null;
  const shown = whole === null ? current : target === null ? null : rowOf(rows, target.line, looked);
  const go = (step: 1 | -1): void => {
    const from = current ?? (step === 1 ? -1 : Infinity);
    const next = nextMatch(found.matches, from, step);
    setFollowing(false);
    setCurrent(next);
    if (next !== null) whole?.show(next);
  };
  return (
    <div className="log">
      <div className="log-tools">
        <SearchTools
          label={label}
          query={query}
          found={found}
          whole={whole}
          onGo={go}
          onQuery={(next) => {
            setQuery(next);
            setCurrent(null);
          }}
        />
        <span className="log-end">
          {before}
          <span className="small muted">{counted(rows.length, 'row')}</span>
          <Button
            isPressed={isFollowing}
            onPress={() => {
              if (!isFollowing) onFollow?.();
              setFollowing(!isFollowing);
            }}
          >
            Follow
          </Button>
        </span>
      </div>
      <LogRows
        rows={rows}
        label={label}
        query={looked}
        current={shown}
        arrival={whole === null ? current : target}
        isFollowing={isFollowing}
        onScroll={(isAtEnd) => {
          if (isFollowing && !isAtEnd) setFollowing(false);
          else if (isLive && isAtEnd && query === '') setFollowing(true);
        }}
        onOpen={(line) => setOpened(new Set([...opened, line]))}
      />
    </div>
  );
};
