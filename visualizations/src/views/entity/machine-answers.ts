/** What the operations about machines answer. Types only. */
import type { FeedEntry } from '../../../../src/hosts/inspector/protocol.ts';
import type { ChartLayout } from '../../../../src/operations/charts/chart-layout.ts';
import type { TransitionGraph, TransitionId } from '../../../../src/machines/transition-graph.ts';

export type Point = { readonly x: number; readonly y: number };
export type Box = Point & { readonly width: number; readonly height: number };

export type ChartCoverage = {
  readonly transitions: Readonly<Record<TransitionId, number>>;
  readonly ignored: Readonly<Record<string, number>>;
  /** Transitions that no test can reach, each with its reason. */
  readonly unreachable: Readonly<Record<TransitionId, string>>;
};

/** conductor_get_machine */
export type MachineAnswer = {
  readonly graph: TransitionGraph;
  readonly layout: ChartLayout;
  readonly outline: ChartLayout;
  readonly coverage: ChartCoverage | null;
};

export type Context = Readonly<Record<string, unknown>>;

/** conductor_get_snapshot */
export type SnapshotAnswer = {
  readonly id: string;
  readonly kind: string;
  readonly machine: string;
  readonly version: string;
  readonly seq: number;
  readonly lastSeq: number;
  readonly snapshot: { readonly status: string; readonly value: unknown; readonly context: Context };
  readonly active: readonly string[];
  readonly enabled: readonly TransitionId[];
  /** Newest entry of this machine at or before `seq`. */
  readonly last: FeedEntry | null;
  /** Context before `last`; null when there was none. */
  readonly previous: Context | null;
};

/**
 * `taken`: this one · `depends`: this one if its guard holds, which the event's fields decide · `otherwise`: this one if none before
 * it is · `earlier`: one before it is taken · `guard`: its guard does not hold · `state`: its state is not active · `ended`: the
 * machine takes nothing any more.
 */
export type Verdict = 'taken' | 'depends' | 'otherwise' | 'earlier' | 'guard' | 'state' | 'ended';

export type ExplainedBranch = {
  readonly transition: TransitionId;
  readonly source: string;
  readonly sourceActive: boolean;
  readonly guard: string | null;
  readonly guardHolds: boolean | null;
  readonly verdict: Verdict;
};

/** conductor_explain_event */
export type ExplainAnswer = {
  readonly event: string;
  readonly branches: readonly ExplainedBranch[];
  /** Null: it depends on what the event carries. */
  readonly enabled: boolean | null;
  readonly text: string;
};
