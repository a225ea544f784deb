/** The text of an artifact: with search and colours, as logs are. */
import { useMemo } from 'react';
import { useCall } from '../../connection/use-conductor.ts';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { LogReader } from './output/log-reader.tsx';
import { appendText, EMPTY_LOG } from './output/log-text.ts';

/** Bytes that one answer holds at most. */
export const ARTIFACT_BYTES_MAX = 1_048_576;

/** conductor_read_artifact */
export type ArtifactAnswer = {
  readonly bytes: number;
  readonly content: string | null;
  readonly truncated: boolean;
  readonly diagnostic: string | null;
};

export const ArtifactText = ({ artifactId, name }: { readonly artifactId: string; readonly name: string }) => {
  const { details, state, error, reload } = useCall<ArtifactAnswer>('conductor_read_artifact', {
    artifactId,
    maxBytes: ARTIFACT_BYTES_MAX,
  });
  const content = details?.content ?? null;
  const text = useMemo(() => appendText(EMPTY_LOG, content ?? ''), [content]);
  if (state === 'failed') return <ErrorNote title={`${name} cannot be read`} error={error} onRetry={reload} />;
  if (details === null) return <Loading what={name} />;
  if (content === null) return <Empty title="It cannot be shown">{details.diagnostic}</Empty>;
  return (
    <>
      {details.diagnostic === null ? null : <p className="small muted">{details.diagnostic}</p>}
      <LogReader text={text} label={name} isLive={false} />
    </>
  );
};
