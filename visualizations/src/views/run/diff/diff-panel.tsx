/** What a run changed: files, and their lines with colours. */
import { memo, useMemo, useState, type ReactNode } from 'react';
import { useCall } from '../../../connection/use-conductor.ts';
import { Button } from '../../../design/button.tsx';
import { counted } from '../../../design/format.ts';
import { SafeText } from '../../../design/model-text.tsx';
import { Empty, ErrorNote, Loading } from '../../../design/notes.tsx';
import { VirtualList } from '../../../design/virtual-list.tsx';
import { cutText, visiblePieces } from '../../../design/visible-text.ts';
import { tokensOf } from './code-tokens.ts';
import { parseDiff, type DiffFile, type DiffLine } from './unified-diff.ts';
import './diff.css';

/** conductor_read_diff */
type DiffAnswer = { readonly patch: string; readonly truncated: boolean };

/** Characters of a line that are drawn before it is opened. */
const LINE_MAX = 1_000;

type DiffRow =
  | { readonly kind: 'hunk'; readonly key: string; readonly header: string }
  | { readonly kind: 'line'; readonly key: string; readonly line: DiffLine };

const rowsOf = ({ hunks }: DiffFile): readonly DiffRow[] =>
  hunks.flatMap(({ header, lines }, hunk) => [
    { kind: 'hunk' as const, key: String(hunk), header },
    ...lines.map((line, index) => ({ kind: 'line' as const, key: `${String(hunk)} ${String(index)}`, line })),
  ]);

const SIGNS: Readonly<Record<DiffLine['kind'], string>> = { added: '+', removed: '−', same: ' ', note: '\\' };

const codeOf = (text: string, path: string): ReactNode[] =>
  tokensOf(text, path).map((token, index) => (
    // oxlint-disable-next-line react/no-array-index-key -- tokens of a line have no other name than their place
    <span key={index} className={token.kind === 'plain' ? undefined : `code-${token.kind}`}>
      {visiblePieces(token.text).map((piece, place) =>
        piece.kind === 'text' ? (
          piece.text
        ) : (
          // oxlint-disable-next-line react/no-array-index-key -- as above
          <span key={place} className="control-sign" title={piece.name}>
            {piece.sign}
          </span>
        ),
      )}
    </span>
  ));

const CodeLine = memo(({ line, path }: { readonly line: DiffLine; readonly path: string }) => {
  const [isOpen, setOpen] = useState(false);
  const shown = isOpen ? line.text : cutText(line.text, LINE_MAX);
  return (
    <div className={`diff-line diff-${line.kind}`}>
      <span className="diff-number">{line.before ?? ''}</span>
      <span className="diff-number">{line.after ?? ''}</span>
      <span className="diff-sign">{SIGNS[line.kind]}</span>
      <bdi className="diff-code" dir="ltr">
        {codeOf(shown, path)}
        {shown.length < line.text.length ? (
          <Button kind="quiet" onPress={() => setOpen(true)}>
            … show all {line.text.length} characters
          </Button>
        ) : null}
      </bdi>
    </div>
  );
});
CodeLine.displayName = 'CodeLine';

const FileButton = ({
  file,
  isShown,
  onShow,
}: {
  readonly file: DiffFile;
  readonly isShown: boolean;
  readonly onShow: () => void;
}) => (
  <button type="button" className="diff-file" aria-current={isShown} data-nav="" onClick={onShow}>
    <span className="grow">
      <SafeText text={file.oldPath === null ? file.path : `${file.oldPath} → ${file.path}`} />
    </span>
    {file.change === 'changed' ? null : <span className="small">{file.change}</span>}
    <span className="diff-count-added">+{file.added}</span>
    <span className="diff-count-removed">−{file.removed}</span>
  </button>
);

const FileBody = ({ file }: { readonly file: DiffFile }) => {
  const rows = useMemo(() => rowsOf(file), [file]);
  if (rows.length === 0) {
    return <Empty title={file.isBinary ? 'Not a text' : 'Only its name or mode changed'} />;
  }
  return (
    <VirtualList
      items={rows}
      label={`Changes of ${file.path}`}
      keyOf={(row) => row.key}
      rowHeight={20}
      heightMax={680}
      row={(row) =>
        row.kind === 'hunk' ? (
          <div className="diff-hunk">
            <SafeText text={row.header} />
          </div>
        ) : (
          <CodeLine line={row.line} path={file.path} />
        )
      }
    />
  );
};

export const DiffText = ({ patch, truncated }: DiffAnswer) => {
  const files = useMemo(() => parseDiff(patch), [patch]);
  const [chosen, setChosen] = useState(0);
  const file = files[Math.min(chosen, files.length - 1)];
  if (file === undefined)
    return <Empty title="Nothing is changed">What a run changes appears here while it works.</Empty>;
  return (
    <div className="stack">
      <p className="small muted">
        {counted(files.length, 'file')}, +{files.reduce((sum, each) => sum + each.added, 0)} −
        {files.reduce((sum, each) => sum + each.removed, 0)}
        {truncated ? '. The patch is cut: the whole of it is in the worktree.' : ''}
      </p>
      <div className="diff-grid">
        <nav className="diff-files" aria-label="Changed files">
          {files.map((each, index) => (
            <FileButton key={each.path} file={each} isShown={each === file} onShow={() => setChosen(index)} />
          ))}
        </nav>
        <section className="diff-body" aria-label={`Changes of ${file.path}`}>
          <FileBody key={file.path} file={file} />
        </section>
      </div>
    </div>
  );
};

/** `step` changes when the run may have changed something. */
export const DiffPanel = ({ runId, step }: { readonly runId: string; readonly step: number }) => {
  const { details, state, error, reload } = useCall<DiffAnswer>('conductor_read_diff', { runId }, [step]);
  if (details !== null) {
    return (
      <div className="stack">
        <DiffText patch={details.patch} truncated={details.truncated} />
        <div>
          <Button onPress={reload}>Read again</Button>
        </div>
      </div>
    );
  }
  return state === 'failed' ? (
    <ErrorNote title="The diff cannot be read" error={error} onRetry={reload} />
  ) : (
    <Loading what="the diff" />
  );
};
