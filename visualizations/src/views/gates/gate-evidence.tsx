/** What a decision rests on: the artifacts of the run, read when somebody opens one, and its diff. */
import { lazy, Suspense, useState } from 'react';
import type { ArtifactItem } from '../../../../src/operations/read-models/item-schemas.ts';
import { useCall } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { formatBytes } from '../../design/format.ts';
import { ModelText, SafeText } from '../../design/model-text.tsx';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';

const DiffPanel = lazy(async () => ({ default: (await import('../diff/diff-panel.tsx')).DiffPanel }));

/** Bytes of an artifact that are read here; the whole is in the run's view. */
const ARTIFACT_BYTES_MAX = 65_536;
const ARTIFACTS_MAX = 64;

type ArtifactText = { readonly content: string | null; readonly diagnostic: string | null };

const Content = ({ artifact }: { readonly artifact: ArtifactItem }) => {
  const { details, error, reload } = useCall<ArtifactText>('conductor_read_artifact', {
    artifactId: artifact.artifactId,
    maxBytes: ARTIFACT_BYTES_MAX,
  });
  if (error !== null) return <ErrorNote title="This artifact cannot be read" error={error} onRetry={reload} />;
  if (details === null) return <Loading what="the artifact" />;
  return (
    <div className="stack-tight">
      {details.content === null ? null : (
        <ModelText
          text={details.content}
          author={artifact.producer === 'child_run' ? 'the agent' : `${artifact.producer}, from what the run printed`}
          isCode
        />
      )}
      {details.diagnostic === null ? null : <p className="muted small">{details.diagnostic}</p>}
    </div>
  );
};

const Artifact = ({ artifact }: { readonly artifact: ArtifactItem }) => {
  const [isOpen, setOpen] = useState(false);
  return (
    <li className="artifact">
      <div className="row">
        <span className="artifact-type">{artifact.type.replaceAll('_', ' ')}</span>
        <span className="grow ellipsis">
          <SafeText text={artifact.name} />
        </span>
        <span className="small muted nowrap">{formatBytes(artifact.bytes)}</span>
        <Button
          kind="quiet"
          isExpanded={isOpen}
          label={`${isOpen ? 'Hide' : 'Read'} ${artifact.name}`}
          onPress={() => {
            setOpen(!isOpen);
          }}
        >
          {isOpen ? 'Hide' : 'Read'}
        </Button>
      </div>
      {isOpen ? <Content artifact={artifact} /> : null}
    </li>
  );
};

const Artifacts = ({ runId }: { readonly runId: string }) => {
  const { state, details, error, reload } = useCall<{ readonly items: readonly ArtifactItem[] }>(
    'conductor_list_artifacts',
    { runId, limit: ARTIFACTS_MAX },
  );
  if (state === 'failed') return <ErrorNote title="The evidence cannot be listed" error={error} onRetry={reload} />;
  if (details === null) return <Loading what="the evidence" />;
  if (details.items.length === 0) {
    return (
      <Empty title="No evidence yet">Artifacts of a run are kept when it ends, or when the agent reports them.</Empty>
    );
  }
  return (
    <ul>
      {details.items.map((artifact) => (
        <Artifact key={artifact.artifactId} artifact={artifact} />
      ))}
    </ul>
  );
};

export const GateEvidence = ({ runId }: { readonly runId: string | null }) =>
  runId === null ? null : (
    <>
      <Panel title="Changes">
        <Suspense fallback={<Loading what="the diff" />}>
          <DiffPanel runId={runId} step={0} />
        </Suspense>
      </Panel>
      <Panel title="Evidence" isFlush>
        <Artifacts runId={runId} />
      </Panel>
    </>
  );
