/** One run: what it prints, what it changed, what verified it, what it left, what happened. */
import { lazy, Suspense, useMemo, useState, type ReactNode } from 'react';
import { kindOfId } from '../../../../src/machines/ids.ts';
import type { RunItem } from '../../../../src/operations/read-models/item-schemas.ts';
import { setQuery, useRoute } from '../../app/use-route.ts';
import { useCall, useFeed, useLiveItems, useMoment } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Tabs } from '../../design/tabs.tsx';
import { scopeOfId } from '../../moment/journal-scope.ts';
import { JournalPanel } from '../entity/journal-panel.tsx';
import { ArtifactsPanel } from './artifacts-panel.tsx';
import { LogPanel } from './output/log-panel.tsx';
import { RunHead } from './run-head.tsx';
import { VerificationPanel } from './verification-panel.tsx';
import './run.css';

// Terminals and diffs are heavy, and most visits need neither.
const LiveTerminal = lazy(async () => ({ default: (await import('./terminal/live-terminal.tsx')).LiveTerminal }));
const ReplayTerminal = lazy(async () => ({ default: (await import('./terminal/replay-terminal.tsx')).ReplayTerminal }));
const DiffPanel = lazy(async () => ({ default: (await import('../diff/diff-panel.tsx')).DiffPanel }));

const TABS = [
  { name: 'output', title: 'Output' },
  { name: 'diff', title: 'Diff' },
  { name: 'verification', title: 'Verification' },
  { name: 'artifacts', title: 'Artifacts' },
  { name: 'events', title: 'Events' },
] as const;
type TabName = (typeof TABS)[number]['name'];

const isTab = (name: string | undefined): name is TabName => TABS.some((tab) => tab.name === name);

/** Steps on with every change of a run: what it may have changed is read again. Its progress changes nothing that is read here. */
const useRunSteps = (runId: string): number => useFeed(({ items }) => items.runs.get(runId)?.revision ?? 0);

/** Only the journal has a past: whoever looks at a moment must not take the rest for that moment's. */
const PresentNote = ({ tab }: { readonly tab: TabName }) => {
  const { seq, set } = useMoment();
  if (seq === null || tab === 'events') return null;
  return (
    <p className="run-present" role="note">
      <span>
        <strong>This is the present, not the moment above.</strong> Output, diff, verification and artifacts have no
        past: they are shown as they are now.
      </span>
      <Button
        kind="quiet"
        onPress={() => {
          set(null);
        }}
      >
        Back to now
      </Button>
    </p>
  );
};

type OutputProps = { readonly runId: string; readonly isLive: boolean; readonly isTerminal: boolean };
type Source = 'live' | 'recording' | 'log';

const Output = ({ runId, isLive, isTerminal }: OutputProps) => {
  const [wanted, setWanted] = useState<Source | null>(null);
  if (!isTerminal) return <LogPanel key={runId} runId={runId} isLive={isLive} />;
  const shown = wanted ?? (isLive ? 'live' : 'recording');
  const choice = (name: Source, title: string): ReactNode => (
    <Button isPressed={shown === name} onPress={() => setWanted(name)}>
      {title}
    </Button>
  );
  return (
    <div className="stack">
      <div className="row" role="group" aria-label="What is shown of the terminal">
        {isLive ? choice('live', 'Live') : null}
        {choice('recording', 'Recording')}
        {choice('log', 'As text')}
      </div>
      {shown === 'live' ? <LiveTerminal runId={runId} /> : null}
      {shown === 'recording' ? <ReplayTerminal runId={runId} /> : null}
      {shown === 'log' ? <LogPanel key={runId} runId={runId} isLive={isLive} /> : null}
    </div>
  );
};

const KnownRun = ({ runId }: { readonly runId: string }) => {
  const { query } = useRoute();
  const step = useRunSteps(runId);
  const run = useLiveItems().runs.get(runId);
  const item = useCall<{ readonly run: RunItem }>('conductor_get_run', { runId }, [step]);
  const scope = useMemo(() => scopeOfId(runId, 'machine'), [runId]);
  const tab = isTab(query['tab']) ? query['tab'] : 'output';
  const isLive = run === undefined ? item.details?.run.endedAt === null : !run.settled;
  const isTerminal = run !== undefined && run.runtimeMode !== 'headless';
  const panels: Readonly<Record<TabName, () => ReactNode>> = {
    output: () => <Output runId={runId} isLive={isLive} isTerminal={isTerminal} />,
    diff: () => <DiffPanel runId={runId} step={step} />,
    verification: () => <VerificationPanel runId={runId} step={step} />,
    artifacts: () => <ArtifactsPanel runId={runId} step={step} />,
    events: () => <JournalPanel scope={scope} title="Events" />,
  };
  return (
    <div className="stack">
      <RunHead runId={runId} item={item.details?.run ?? null} />
      {item.state === 'failed' ? (
        <ErrorNote title="This run cannot be read" error={item.error} onRetry={item.reload} />
      ) : null}
      <Tabs label="Parts of the run" tabs={TABS} selected={tab} onSelect={(name) => setQuery('tab', name)}>
        <PresentNote tab={tab} />
        <Suspense fallback={<Loading what="this part" />}>{panels[tab]()}</Suspense>
      </Tabs>
    </div>
  );
};

export const RunView = ({ runId }: { readonly runId: string }) =>
  kindOfId(runId) === 'run' ? (
    <KnownRun key={runId} runId={runId} />
  ) : (
    <Empty title="This is no run of this project">
      Open a run from the overview, or take its id from «conductor runs».
    </Empty>
  );
