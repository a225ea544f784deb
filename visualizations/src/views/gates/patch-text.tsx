/** A patch as it is read: lines that came and went by colour and by sign, long ones cut. */
import { useMemo } from 'react';
import { counted } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { patchLines } from './patch-lines.ts';

const LINE_HEIGHT = 20;
/** A longer line is no source that somebody reads; the whole patch is among the run's artifacts. */
const LINE_CHARACTERS = 4_000;

export const PatchText = ({ patch, isCut }: { readonly patch: string; readonly isCut: boolean }) => {
  const { lines, size } = useMemo(() => {
    const read = patchLines(patch);
    return { ...read, lines: read.lines.map((line, index) => ({ ...line, index })) };
  }, [patch]);
  const { files, added, removed } = size;
  return (
    <div className="patch">
      <p className="patch-size small muted">
        {counted(files, 'file')}, <span className="patch-plus">+{added}</span>{' '}
        <span className="patch-minus">−{removed}</span>
        {isCut ? ' · the patch is cut; the whole is in the run’s artifacts' : null}
      </p>
      <VirtualList
        items={lines}
        label="Changes"
        keyOf={({ index }) => String(index)}
        rowHeight={LINE_HEIGHT}
        row={({ kind, text }) => (
          <div className={`patch-line patch-${kind}`}>
            <SafeText text={text === '' ? ' ' : text} max={LINE_CHARACTERS} />
          </div>
        )}
      />
    </div>
  );
};
