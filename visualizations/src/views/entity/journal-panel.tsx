/** The journal of a scope as a list, newest first: an entry chosen is the moment shown. */
import type { ReactNode } from 'react';
import { useMoment } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { counted } from '../../design/format.ts';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { indexAt } from '../../moment/journal-stretch.ts';
import { useJournal, type Journal } from '../../moment/use-journal.ts';
import type { JournalScope } from '../../moment/journal-scope.ts';
import { JournalList } from './journal-list.tsx';
import './entity.css';

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
  const shown = seq === null ? null : (entries[indexAt(entries, seq)]?.seq ?? null);
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
          <JournalList entries={entries} label={title} shown={shown} until={seq} onChoose={set} withActor={withActor} />
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
