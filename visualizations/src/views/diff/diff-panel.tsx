/** What a run changed: files, and their lines with colours. */
import { memo, useMemo, useState, type ReactNode } from 'react';
import { useCall } from '../../connection/use-conductor.ts';
import { Button } from '../../design/button.tsx';
import { counted, formatCount } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { cutText, visiblePieces } from '../../design/visible-text.ts';
import { tokensOf } from './code-tokens.ts';
import { parseDiff, type DiffFile, type DiffLine } from './unified-diff.ts';
import './diff.css';

/** conductor_read_diff */
type DiffAnswer = {
  readonly source: 'worktree' | 'artifact' | 'none';
  readonly baseCommit: string | null;
  readonly commit: string | null;
  readonly patch: string;
  readonly truncated: boolean;
};

/** Characters of a line that are drawn before it is opened. */
const LINE_MAX = 1_000;

type DiffRow =
  | { readonly kind: 'file'; readonly key: string; readonly file: DiffFile }
  /** What git says: of a file, or where a hunk stands. */
  | { readonly kind: 'git'; readonly key: string; readonly text: string }
  | { readonly kind: 'line'; readonly key: string; readonly line: DiffLine; readonly path: string };

const rowsOf = (file: DiffFile, place: string): readonly DiffRow[] => [
  { kind: 'file', key: place, file },
  ...file.notes.map((text, note) => ({ kind: 'git' as const, key: `${place} note ${String(note)}`, text })),
  ...file.hunks.flatMap(({ header, lines }, hunk): DiffRow[] => [
    { kind: 'git', key: `${place} ${String(hunk)}`, text: header },
    ...lines.map((line, index) => ({
      kind: 'line' as const,
      key: `${place} ${String(hunk)} ${String(index)}`,
      line,
      path: file.path,
    })),
  ]),
];

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

const FileName = ({ file }: { readonly file: DiffFile }) => (
  <>
    <span className="grow">
      <SafeText text={file.oldPath === null ? file.path : `${file.oldPath} → ${file.path}`} />
    </span>
    {file.change === 'changed' ? null : <span className="small">{file.change}</span>}
    <span className="diff-count-added">+{formatCount(file.added)}</span>
    <span className="diff-count-removed">−{formatCount(file.removed)}</span>
  </>
);

const Row = ({ row }: { readonly row: DiffRow }) => {
  if (row.kind === 'line') return <CodeLine line={row.line} path={row.path} />;
  if (row.kind === 'file') {
    return (
      <div className="diff-title">
        <FileName file={row.file} />
      </div>
    );
  }
  return (
    <div className="diff-hunk">
      <SafeText text={row.text} />
    </div>
  );
};

/** All files one below the other, so that nobody who reads to the end has missed one; the list of files leads to each. */
const DiffText = ({ patch, truncated }: Pick<DiffAnswer, 'patch' | 'truncated'>) => {
  const files = useMemo(() => parseDiff(patch), [patch]);
  const parts = useMemo(() => files.map((file, index) => rowsOf(file, String(index))), [files]);
  const rows = useMemo(() => parts.flat(), [parts]);
  const [target, setTarget] = useState<{ readonly index: number } | null>(null);
  return (
    <div className="stack">
      <p className="small muted">
        {counted(files.length, 'file')}, <span className="diff-count-added">+{formatCount(total(files, 'added'))}</span>{' '}
        <span className="diff-count-removed">−{formatCount(total(files, 'removed'))}</span>
        {truncated
          ? '. The patch is cut: the whole of it is in the worktree, and among the artifacts of a run that ended.'
          : ''}
      </p>
      <div className={files.length === 1 ? undefined : 'diff-grid'}>
        {files.length === 1 ? null : (
          <nav className="diff-files" aria-label="Changed files">
            {files.map((file, place) => (
              <button
                key={parts[place]?.[0]?.key}
                type="button"
                className="diff-file"
                data-nav=""
                onClick={() => {
                  setTarget({ index: parts.slice(0, place).reduce((sum, part) => sum + part.length, 0) });
                }}
              >
                <FileName file={file} />
              </button>
            ))}
          </nav>
        )}
        <section className="diff-body" aria-label="Changed lines">
          <VirtualList
            items={rows}
            label="Changes"
            keyOf={({ key }) => key}
            rowHeight={20}
            heightMax={680}
            target={target}
            row={(row) => <Row row={row} />}
          />
        </section>
      </div>
    </div>
  );
};

const total = (files: readonly DiffFile[], count: 'added' | 'removed'): number =>
  files.reduce((sum, file) => sum + file[count], 0);

const NoDiff = ({ source, baseCommit, commit }: DiffAnswer) =>
  // It had a worktree and has none any more, and nobody made a commit of what stood there.
  source === 'none' && baseCommit !== null && commit === null ? (
    <Empty title="No commit was made of its work">What it left, if anything, lies in its worktree.</Empty>
  ) : (
    <Empty title="Nothing is changed">What a run changes appears here while it works.</Empty>
  );

type DiffPanelProps = {
  readonly runId: string;
  /** Changes when the run may have changed something. */
  readonly step: number;
};

export const DiffPanel = ({ runId, step }: DiffPanelProps) => {
  const { details, state, error, reload } = useCall<DiffAnswer>('conductor_read_diff', { runId }, [step]);
  if (details !== null) {
    return (
      <div className="stack">
        {details.patch === '' ? (
          <NoDiff {...details} />
        ) : (
          <DiffText patch={details.patch} truncated={details.truncated} />
        )}
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
