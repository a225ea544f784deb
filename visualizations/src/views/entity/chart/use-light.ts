/** What is lit on the chart of a machine at a moment. */
import { useMemo } from 'react';
import type { ExplainAnswer, SnapshotAnswer } from '../machine-answers.ts';
import { whyMarksOf, type ChartLight } from './chart-light.ts';

type Shown = Pick<SnapshotAnswer, 'active' | 'enabled' | 'last'>;

export const useLight = (shown: Shown | null, explained: Pick<ExplainAnswer, 'branches'> | null): ChartLight =>
  useMemo(
    () => ({
      active: new Set(shown?.active),
      enabled: new Set(shown?.enabled),
      taken: new Set(shown?.last?.taken),
      step: shown?.last?.seq ?? 0,
      why: whyMarksOf(explained?.branches ?? []),
      counts: null,
    }),
    [shown, explained],
  );
