/** Evidence of a run: what is there, how large, under which hash; read here or saved. */
import { useState } from 'react';
import type { ArtifactItem } from '../../../../src/operations/read-models/item-schemas.ts';
import { call } from '../../connection/api.ts';
import { useCall } from '../../connection/use-conductor.ts';
import { Age } from '../../design/age.tsx';
import { Button } from '../../design/button.tsx';
import { formatBytes } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { ARTIFACT_BYTES_MAX, ArtifactText, type ArtifactAnswer } from './artifact-text.tsx';

/** A run has at most 64. */
const LIMIT = 100;
/** Characters of a hash that are shown; all of them are in the tooltip. */
const HASH_SHOWN = 12;

export type ArtifactPage = { readonly items: readonly ArtifactItem[] };

const nameForFile = (name: string): string => name.replaceAll(/[^\w.-]+/g, '_').slice(-120) || 'artifact';

/** Saves what is stored, as far as one answer holds it. */
const save = async ({ artifactId, name }: ArtifactItem): Promise<string> => {
  const answer = await call<ArtifactAnswer>('conductor_read_artifact', { artifactId, maxBytes: ARTIFACT_BYTES_MAX });
  if (answer.content === null) return answer.diagnostic ?? 'it is not a text';
  const url = URL.createObjectURL(new Blob([answer.content], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = nameForFile(name);
  link.click();
  URL.revokeObjectURL(url);
  return answer.truncated ? `saved its first ${formatBytes(ARTIFACT_BYTES_MAX)}` : 'saved';
};

const ArtifactRow = ({
  item,
  isShown,
  onShow,
}: {
  readonly item: ArtifactItem;
  readonly isShown: boolean;
  readonly onShow: () => void;
}) => {
  const [said, setSaid] = useState('');
  const download = async (): Promise<void> => {
    try {
      setSaid(await save(item));
    } catch (error) {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <li className="artifact">
      <span className="artifact-name">
        <strong>
          <SafeText text={item.name} />
        </strong>{' '}
        <span className="muted">{item.type}</span>
      </span>
      <span className="small muted">
        {formatBytes(item.bytes)}
        {item.truncated ? ' (cut)' : ''} ·{' '}
        <span title={item.sha256} className="mono">{`sha256 ${item.sha256.slice(0, HASH_SHOWN)}`}</span> · by{' '}
        {item.producer} · <Age at={item.createdAt} />
      </span>
      <span className="artifact-actions">
        <span role="status" className="small muted">
          {said}
        </span>
        <Button onPress={onShow} isExpanded={isShown}>
          {isShown ? 'Hide' : 'View'}
        </Button>
        <Button onPress={() => void download()}>Save</Button>
      </span>
      {isShown ? (
        <div className="artifact-text">
          <ArtifactText artifactId={item.artifactId} name={item.name} />
        </div>
      ) : null}
    </li>
  );
};

export const ArtifactsPanel = ({ runId, step }: { readonly runId: string; readonly step: number }) => {
  const [shown, setShown] = useState<string | null>(null);
  const { details, state, error, reload } = useCall<ArtifactPage>('conductor_list_artifacts', { runId, limit: LIMIT }, [
    step,
  ]);
  if (details === null) {
    return state === 'failed' ? (
      <ErrorNote title="The artifacts cannot be read" error={error} onRetry={reload} />
    ) : (
      <Loading what="the artifacts" />
    );
  }
  if (details.items.length === 0) {
    return <Empty title="No artifacts yet">Log, diff and test results are kept when the run ends.</Empty>;
  }
  return (
    <ul className="artifacts">
      {details.items.map((item) => (
        <ArtifactRow
          key={item.artifactId}
          item={item}
          isShown={shown === item.artifactId}
          onShow={() => setShown(shown === item.artifactId ? null : item.artifactId)}
        />
      ))}
    </ul>
  );
};
