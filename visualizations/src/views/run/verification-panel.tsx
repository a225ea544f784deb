/** What each verify command printed. */
import { useState } from 'react';
import { useCall } from '../../connection/use-conductor.ts';
import { formatBytes } from '../../design/format.ts';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Tabs } from '../../design/tabs.tsx';
import { ArtifactText } from './artifact-text.tsx';
import type { ArtifactPage } from './artifacts-panel.tsx';

export const VerificationPanel = ({ runId, step }: { readonly runId: string; readonly step: number }) => {
  const [chosen, setChosen] = useState<string | null>(null);
  const { details, state, error, reload } = useCall<ArtifactPage>(
    'conductor_list_artifacts',
    { runId, type: 'test_result', limit: 100 },
    [step],
  );
  if (details === null) {
    return state === 'failed' ? (
      <ErrorNote title="The verification cannot be read" error={error} onRetry={reload} />
    ) : (
      <Loading what="the verification" />
    );
  }
  const results = details.items.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
  const shown = results.find(({ artifactId }) => artifactId === chosen) ?? results[0];
  if (shown === undefined) {
    return (
      <Empty title="No output of a verification">
        It is kept when the run ends. A task without verify commands has none.
      </Empty>
    );
  }
  return (
    <Tabs
      label="Verify commands"
      tabs={results.map((item) => ({ name: item.artifactId, title: `${item.name} · ${formatBytes(item.bytes)}` }))}
      selected={shown.artifactId}
      onSelect={setChosen}
    >
      <ArtifactText key={shown.artifactId} artifactId={shown.artifactId} name={shown.name} />
    </Tabs>
  );
};
