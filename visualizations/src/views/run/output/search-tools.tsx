/** Where a text is looked for, how many lines hold it, and the way from one to the next. */
import { Button } from '../../../design/button.tsx';
import { formatBytes, formatCount } from '../../../design/format.ts';
import { MATCHES_MAX } from './log-search.ts';
import type { ScanView } from './log-scan.ts';
import type { WholeSearch } from './use-scan.ts';

/** `current`: the match that was gone to. `isOver`: all was looked through. */
export type Found = {
  readonly query: string;
  readonly matches: readonly number[];
  readonly current: number | null;
  readonly isOver: boolean;
};

const totalText = (count: number): string =>
  count >= MATCHES_MAX ? `more than ${formatCount(MATCHES_MAX)}` : formatCount(count);

const foundText = ({ query, matches, current, isOver }: Found): string => {
  if (query === '') return '';
  const place = current === null ? 0 : matches.indexOf(current) + 1;
  if (place > 0) return `${formatCount(place)} of ${totalText(matches.length)}${isOver ? '' : ' so far'}`;
  if (!isOver) return `${formatCount(matches.length)} so far…`;
  return matches.length === 0 ? 'no match' : `${totalText(matches.length)} lines`;
};

/** How much was searched, while that is not all. */
const reachText = ({ state, searched, size }: ScanView): string => {
  if (state === 'done') return '';
  return `, ${formatBytes(searched)} of ${formatBytes(size)} searched`;
};

type SearchToolsProps = {
  readonly label: string;
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly found: Found;
  readonly onGo: (step: 1 | -1) => void;
  readonly whole: WholeSearch | null;
};

export const SearchTools = ({ label, query, onQuery, found, onGo, whole }: SearchToolsProps) => {
  const isNone = found.matches.length === 0;
  const scan = whole?.scan ?? null;
  return (
    <>
      <input
        type="search"
        placeholder="Search"
        aria-label={`Search in ${label}`}
        data-search=""
        value={query}
        onChange={({ target }) => {
          onQuery(target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onGo(event.shiftKey ? -1 : 1);
        }}
      />
      <Button label="Match before" isDisabled={isNone} onPress={() => onGo(-1)}>
        ↑
      </Button>
      <Button label="Next match" isDisabled={isNone} onPress={() => onGo(1)}>
        ↓
      </Button>
      <span role="status" className="small muted">
        {foundText(found)}
        {scan === null || found.query === '' ? '' : reachText(scan)}
      </span>
      {scan?.state === 'searching' ? <Button onPress={whole!.stop}>Cancel</Button> : null}
      {scan?.state === 'stopped' || scan?.state === 'failed' ? (
        <Button onPress={whole!.goOn}>Search the rest</Button>
      ) : null}
    </>
  );
};
