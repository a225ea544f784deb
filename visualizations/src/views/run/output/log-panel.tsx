/** What a run without a terminal printed, as it prints it. */
import { Button } from '../../../design/button.tsx';
import { formatBytes } from '../../../design/format.ts';
import { Empty, ErrorNote, Loading } from '../../../design/notes.tsx';
import { LogReader } from './log-reader.tsx';
import { useLog } from './use-log.ts';
import { useScan } from './use-scan.ts';

export const LogPanel = ({ runId, isLive }: { readonly runId: string; readonly isLive: boolean }) => {
  const log = useLog(runId, isLive);
  const search = useScan(runId, log.size);
  if (log.state === 'failed')
    return <ErrorNote title="The output cannot be read" error={log.error} onRetry={log.reload} />;
  if (log.state === 'loading') return <Loading what="the output" />;
  if (log.size === 0) {
    return (
      <Empty title="It has printed nothing">
        {isLive ? 'Output appears here as it is printed.' : 'What it reported is under Events.'}
      </Empty>
    );
  }
  return (
    <>
      {log.error === null ? null : <ErrorNote title="The output is not up to date" error={log.error} />}
      <LogReader
        text={log.text}
        label="output of the run"
        isLive={isLive && log.isAtEnd}
        whole={log.isWhole ? null : { ...search, show: log.showAt, target: log.target }}
        onFollow={log.toEnd}
        before={
          <>
            <span className="small muted">
              {formatBytes(log.to - log.first)} of {formatBytes(log.size)}
            </span>
            {log.hasOlder ? (
              <Button onPress={log.loadOlder} isDisabled={log.isLoadingOlder}>
                {log.isLoadingOlder ? 'Reading…' : 'Older'}
              </Button>
            ) : null}
            {log.isAtEnd ? null : (
              <>
                <Button onPress={log.loadNewer}>Newer</Button>
                <Button onPress={log.toEnd}>To the end</Button>
              </>
            )}
          </>
        }
      />
    </>
  );
};
