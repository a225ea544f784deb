/** What a machine remembers, as a tree with what the last step changed. */
import { useMemo, useState, type CSSProperties } from 'react';
import { kindOfId } from '../../../../src/machines/ids.ts';
import { Link } from '../../app/link.tsx';
import { counted, formatTime } from '../../design/format.ts';
import { SafeText } from '../../design/model-text.tsx';
import { Panel } from '../../design/panel.tsx';
import {
  changeCount,
  contextRows,
  isEntityId,
  type ContextMark,
  type ContextRow,
  type LeafValue,
} from './context-tree.ts';
import type { Context } from './machine-answers.ts';

const MARKS: Readonly<Record<ContextMark, { readonly sign: string; readonly word: string }>> = {
  added: { sign: '+', word: 'added' },
  changed: { sign: '~', word: 'changed' },
  removed: { sign: '−', word: 'removed' },
};
/** Names that hold a time in ms since 1970. */
const TIME_NAME = /(?:At|Before|^at)$/;
const TIME_MIN = 1e12;

const Leaf = ({ name, value }: { readonly name: string; readonly value: LeafValue }) => {
  if (isEntityId(value)) {
    return <Link to={{ view: kindOfId(value) === 'run' ? 'run' : 'entity', id: value }}>{value}</Link>;
  }
  if (typeof value === 'string') return <SafeText text={value === '' ? '""' : value} />;
  const text = String(value);
  return typeof value === 'number' && value > TIME_MIN && TIME_NAME.test(name) ? (
    <span title={text}>{formatTime(value)}</span>
  ) : (
    text
  );
};

const sizeOf = ({ size, isList }: ContextRow): string => counted(size, isList ? 'item' : 'field');

const Row = ({ row, onToggle }: { readonly row: ContextRow; readonly onToggle: (path: string) => void }) => {
  const mark = row.mark === null ? null : MARKS[row.mark];
  const isBranch = row.size > 0;
  return (
    <li
      className={`context-row${row.mark === null ? '' : ` context-${row.mark}`}`}
      style={{ '--depth': row.depth } as CSSProperties}
    >
      <span className="context-mark" aria-hidden="true">
        {mark?.sign ?? (row.hasChange ? '~' : '')}
      </span>
      <span className="context-name">
        {isBranch ? (
          <button
            type="button"
            className="context-branch"
            aria-expanded={row.isOpen}
            onClick={() => {
              onToggle(row.path);
            }}
          >
            {row.isOpen ? '▾' : '▸'} {row.name}
          </button>
        ) : (
          row.name
        )}
      </span>
      <span className="context-value">
        {row.before === null && row.mark !== 'changed' ? null : (
          <>
            <s className="context-before">
              <Leaf name={row.name} value={row.before} />
            </s>{' '}
          </>
        )}
        {isBranch ? <span className="muted">{sizeOf(row)}</span> : <Leaf name={row.name} value={row.value} />}
        {mark === null ? null : <span className="visually-hidden"> ({mark.word})</span>}
      </span>
    </li>
  );
};

type ContextPanelProps = { readonly context: Context; readonly previous: Context | null };

export const ContextPanel = ({ context, previous }: ContextPanelProps) => {
  const [toggled, setToggled] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => contextRows(context, previous, toggled), [context, previous, toggled]);
  const changes = changeCount(rows);
  const toggle = (path: string): void => {
    setToggled((before) => {
      const next = new Set(before);
      if (!next.delete(path)) next.add(path);
      return next;
    });
  };
  return (
    <Panel
      title="Context"
      aside={
        <span className="small muted">
          {changes === 0 ? 'not changed by the last step' : `${String(changes)} changed`}
        </span>
      }
      isFlush
    >
      {/* Scrolls, so it must be reachable by keyboard. */}
      <ul className="context" tabIndex={0} aria-label="Context of the machine">
        {rows.map((row) => (
          <Row key={row.path} row={row} onToggle={toggle} />
        ))}
      </ul>
    </Panel>
  );
};
