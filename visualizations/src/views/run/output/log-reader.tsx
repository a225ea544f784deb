/** A text of many lines with search, following and long lines that open: logs, and what verification printed. */
import { useDeferredValue, useEffect, useMemo, useState, type ReactNode } from 'react';
import { Button } from '../../../design/button.tsx';
import { counted, formatCount } from '../../../design/format.ts';
import { isOver, MATCHES_MAX, newSearch, nextMatch, searchOn, type Search } from './log-search.ts';
import { rowsOf, type LogRow, type LogText } from './log-text.ts';
import { LogRows } from './log-rows.tsx';
import './output.css';

/** Rows searched between two pictures: a few ms. */
const SLICE_ROWS = 4_000;

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

const foundText = (search: Search, rows: readonly LogRow[], current: number | null): string => {
  if (search.query === '') return '';
  const count = search.matches.length;
  if (!isOver(search, rows)) return `${formatCount(count)} so far…`;
  if (count === 0) return 'no match';
  const place = current === null ? 0 : search.matches.indexOf(current) + 1;
  const total = count >= MATCHES_MAX ? `more than ${formatCount(MATCHES_MAX)}` : formatCount(count);
  return place > 0 ? `${formatCount(place)} of ${total}` : `${total} lines`;
};

type LogReaderProps = {
  readonly text: LogText;
  readonly label: string;
  /** Something more may come: it can be followed. */
  readonly isLive: boolean;
  readonly before?: ReactNode;
};

export const LogReader = ({ text, label, isLive, before }: LogReaderProps) => {
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const [query, setQuery] = useState('');
  const [current, setCurrent] = useState<number | null>(null);
  const [isFollowing, setFollowing] = useState(isLive);
  const rows = useMemo(() => rowsOf(text, opened), [text, opened]);
  const search = useSearch(rows, useDeferredValue(query));
  const go = (step: 1 | -1): void => {
    const from = current ?? (step === 1 ? -1 : rows.length);
    setFollowing(false);
    setCurrent(nextMatch(search.matches, from, step));
  };
  return (
    <div className="log">
      <div className="log-tools">
        <input
          type="search"
          placeholder="Search"
          aria-label={`Search in ${label}`}
          data-search=""
          value={query}
          onChange={({ target }) => {
            setQuery(target.value);
            setCurrent(null);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') go(event.shiftKey ? -1 : 1);
          }}
        />
        <Button label="Match before" isDisabled={search.matches.length === 0} onPress={() => go(-1)}>
          ↑
        </Button>
        <Button label="Next match" isDisabled={search.matches.length === 0} onPress={() => go(1)}>
          ↓
        </Button>
        <span role="status" className="small muted">
          {foundText(search, rows, current)}
        </span>
        <span className="log-end">
          {before}
          <span className="small muted">{counted(rows.length, 'row')}</span>
          <Button isPressed={isFollowing} onPress={() => setFollowing(!isFollowing)}>
            Follow
          </Button>
        </span>
      </div>
      <LogRows
        rows={rows}
        label={label}
        query={search.query}
        current={current}
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
