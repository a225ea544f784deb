/** The journal of a scope as a list, newest first: an entry chosen is the moment shown. */
import { memo, type ReactNode } from 'react';
import type { FeedEntry } from '../../../../src/hosts/inspector/protocol.ts';
import { useMoment } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { counted, formatCount, formatTime } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { eventWords, landmarkOf } from '../../moment/event-words.ts';
import { indexAt } from '../../moment/journal-stretch.ts';
import { useJournal, type Journal } from '../../moment/use-journal.ts';
import type { JournalScope } from '../../moment/journal-scope.ts';
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

const bodyOf = (journal: Journal, list: () => ReactNode): ReactNode => {
  if (journal.state === 'loading') return <Loading what="the journal" />;
  if (journal.state === 'failed') {
    return <ErrorNote title="The journal cannot be read" error={journal.error} onRetry={journal.reload} />;
  }
  return journal.stretch.entries.length === 0 ? (
    <Empty title="Nothing has happened yet">Entries appear here as they are written.</Empty>
  ) : (
    list()
  );
};

type JournalPanelProps = {
  readonly scope: JournalScope;
  readonly title?: string;
  /** Entries of several machines: each says whose it is. */
  readonly withActor?: boolean;
};

export const JournalPanel = ({ scope, title = 'Journal', withActor = false }: JournalPanelProps) => {
  const journal = useJournal(scope);
  const { seq, set } = useMoment();
  const { entries, isStart } = journal.stretch;
  const shown = seq === null ? -1 : (entries[indexAt(entries, seq)]?.seq ?? -1);
  const newestFirst = entries.toReversed();
  return (
    <Panel
      title={title}
      aside={
        <span className="small muted">
          {counted(entries.length, isStart ? 'entry' : 'newest entry').replace('entrys', 'entries')}
        </span>
      }
      isFlush
    >
      {bodyOf(journal, () => (
        <>
          <VirtualList
            items={newestFirst}
            label={`${title}, newest first`}
            keyOf={(entry) => String(entry.seq)}
            rowHeight={29}
            heightMax={420}
            row={(entry) => (
              <JournalRow
                entry={entry}
                isShown={entry.seq === shown}
                isFuture={seq !== null && entry.seq > seq}
                onChoose={set}
                withActor={withActor}
              />
            )}
          />
          {isStart ? null : (
            <div className="journal-more">
              <Button kind="quiet" onPress={journal.loadOlder} isDisabled={journal.isLoadingOlder}>
                {journal.isLoadingOlder ? 'Reading…' : 'Show older entries'}
              </Button>
            </div>
          )}
        </>
      ))}
    </Panel>
  );
};
