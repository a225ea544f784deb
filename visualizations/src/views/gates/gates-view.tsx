/** The inbox: what waits for a person, the one that is looked at, and what was decided. */
import { memo, useMemo } from 'react';
import type { GateItem } from '../../../../src/operations/read-models/item-schemas.ts';
import type { OverviewGate } from '../../../../src/operations/read-models/overview.ts';
import { openGates } from '../../app/headline.ts';
import { Link } from '../../app/link.tsx';
import { useCall, useFeed, useItems } from '../../connection/use-conductor.ts';
import { Age } from '../../design/age.tsx';
import { SafeText } from '../../design/model-text.tsx';
import { Empty, ErrorNote, Loading } from '../../design/notes.tsx';
import { Panel } from '../../design/panel.tsx';
import { StateBadge } from '../../design/state-badge.tsx';
import { VirtualList } from '../../design/virtual-list.tsx';
import { askerOf, GateDetail } from './gate-detail.tsx';
import './gates.css';

const ROW_HEIGHT = 64;
const OPEN_HEIGHT_MAX = 560;
const DECIDED_HEIGHT_MAX = 320;

type RowProps = { readonly gate: OverviewGate; readonly isHere: boolean };

const GateRow = memo(({ gate, isHere }: RowProps) => (
  <Link to={{ view: 'gate', id: gate.gateId }} row className="gate-row" aria-current={isHere ? 'true' : undefined}>
    <StateBadge state={gate.state} iconOnly />
    <span className="gate-row-text">
      <span className="clamp">
        <SafeText text={gate.ask} />
      </span>
      <span className="small muted">
        {gate.type.replaceAll('_', ' ')} · {askerOf(gate)} ·{' '}
        <Age at={gate.resolvedAt ?? gate.createdAt} suffix={gate.state === 'open' ? '' : ' ago'} />
      </span>
    </span>
  </Link>
));
GateRow.displayName = 'GateRow';

type GateListProps = {
  readonly gates: readonly OverviewGate[];
  readonly here: string | null;
  readonly label: string;
  readonly heightMax: number;
};

const GateList = ({ gates, here, label, heightMax }: GateListProps) => (
  <VirtualList
    items={gates}
    label={label}
    keyOf={(gate) => gate.gateId}
    rowHeight={ROW_HEIGHT}
    heightMax={heightMax}
    row={(gate) => <GateRow gate={gate} isHere={gate.gateId === here} />}
  />
);

/** A gate that the overview does not hold any more is read from the store, and so is what was said when it was decided. */
const GateOf = ({ gateId }: { readonly gateId: string }) => {
  const shown = useItems().gates.get(gateId) ?? null;
  const { details, error, reload } = useCall<{ readonly gate: GateItem }>('conductor_get_gate', { gateId }, [
    shown?.revision ?? 0,
  ]);
  const gate = shown ?? details?.gate ?? null;
  if (gate !== null) return <GateDetail gate={gate} stored={details?.gate ?? null} />;
  if (error === null) return <Loading what="the gate" />;
  return <ErrorNote title="This gate cannot be shown" error={error} onRetry={reload} />;
};

export const GatesView = ({ gateId }: { readonly gateId: string | null }) => {
  const isThere = useFeed((view) => view.lastSeq !== null);
  const items = useItems();
  const open = useMemo(() => openGates(items), [items]);
  const decided = useMemo(
    () =>
      [...items.gates.values()]
        .filter(({ state }) => state !== 'open')
        .toSorted((a, b) => (b.resolvedAt ?? b.createdAt) - (a.resolvedAt ?? a.createdAt)),
    [items],
  );
  if (!isThere) return <Loading what="the gates" />;
  const here = gateId ?? open[0]?.gateId ?? null;
  return (
    <div className={gateId === null ? 'gates' : 'gates gates-one'}>
      <h1 className="visually-hidden">Gates</h1>
      <div className="gates-lists stack">
        <Panel title="Waits for you" aside={<span className="count">{open.length}</span>} isFlush>
          {open.length === 0 ? (
            <Empty title="Nothing waits for you">
              Questions, reviews and approvals appear here as soon as they are asked.
            </Empty>
          ) : (
            <GateList gates={open} here={here} label="Open gates" heightMax={OPEN_HEIGHT_MAX} />
          )}
        </Panel>
        {decided.length === 0 ? null : (
          <Panel title="Decided" aside={<span className="count">{decided.length}</span>} isFlush>
            <GateList gates={decided} here={here} label="Decided gates" heightMax={DECIDED_HEIGHT_MAX} />
          </Panel>
        )}
      </div>
      <div className="gates-detail">
        {gateId === null ? null : (
          <p className="gates-back">
            <Link to={{ view: 'gates' }}>← All gates</Link>
          </p>
        )}
        {here === null ? null : <GateOf key={here} gateId={here} />}
      </div>
    </div>
  );
};
