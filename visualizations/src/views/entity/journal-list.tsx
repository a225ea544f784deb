/** Entries as a list, newest first: one that is chosen is the moment shown. */
import { memo } from 'react';
import type { FeedEntry } from '../../../../src/hosts/inspector/protocol.ts';
import { formatCount, formatTime } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { eventWords, landmarkOf } from '../../moment/event-words.ts';
import './entity.css';

type RowProps = {
  readonly entry: FeedEntry;
  readonly isShown: boolean;
  readonly isFuture: boolean;
  readonly onChoose: (seq: number) => void;
  readonly withActor: boolean;
};

const JournalRow = memo(({ entry, isShown, isFuture, onChoose, withActor }: RowProps) => {
  const { event, change, text, byAgent } = eventWords(entry);
  const landmark = landmarkOf(entry);
  return (
    <button
      type="button"
      className={`journal-row${isFuture ? ' is-future' : ''}`}
      aria-current={isShown}
      data-seq={entry.seq}
      data-nav=""
      onClick={() => {
        onChoose(entry.seq);
      }}
    >
      <span className="journal-seq">{formatCount(entry.seq)}</span>
      <time className="journal-time" dateTime={new Date(entry.at).toISOString()}>
        {formatTime(entry.at)}
      </time>
      <span className="journal-event">
        {withActor ? `${entry.machine} · ` : ''}
        {event}
      </span>
      <span className="journal-words">
        {entry.kind === 'rejected' ? <span className="refused-mark">refused</span> : null}
        {landmark === 'failure' ? <span className="refused-mark">✕</span> : null}
        {change === null ? null : <span>{change}</span>}
        {text === null ? null : (
          <span className="journal-text">
            {byAgent ? <span className="by-agent">agent</span> : null} <SafeText text={text} />
          </span>
        )}
      </span>
    </button>
  );
});
JournalRow.displayName = 'JournalRow';

type JournalListProps = {
  /** Oldest first. */
  readonly entries: readonly FeedEntry[];
  readonly label: string;
  /** Of the entry that is shown; null: none is chosen. */
  readonly shown: number | null;
  /** Entries after it are the future; null: this is now. */
  readonly until: number | null;
  readonly onChoose: (seq: number) => void;
  /** Entries of several machines: each says whose it is. Default false. */
  readonly withActor?: boolean;
};

export const JournalList = ({ entries, label, shown, until, onChoose, withActor = false }: JournalListProps) => (
  <VirtualList
    items={entries.toReversed()}
    label={`${label}, newest first`}
    keyOf={(entry) => String(entry.seq)}
    rowHeight={29}
    heightMax={420}
    row={(entry) => (
      <JournalRow
        entry={entry}
        isShown={entry.seq === shown}
        isFuture={until !== null && entry.seq > until}
        onChoose={onChoose}
        withActor={withActor}
      />
    )}
  />
);
