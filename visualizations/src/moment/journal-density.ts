/**
 * How dense a scope's journal is along the numbers of the project's journal: what the strip behind the slider shows.
 *
 * D1. A bar stands for as many numbers of the journal as any other; its height is how many of them are the scope's.
 * D2. For the project, whose numbers have no gaps, its height is how fast they came.
 */
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';
import { landmarkOf, type Landmark } from './event-words.ts';

export type Extent = { readonly first: number; readonly last: number };
export type DensityBar = {
  /** 0..1 of the highest. */
  readonly height: number;
  /** The most telling of its entries. */
  readonly landmark: Landmark | null;
};
/** A stretch of the scope's journal that was read: all its entries between two numbers. */
export type Sample = Extent & { readonly entries: readonly FeedEntry[] };

/** Reads made to fill the strip when the journal is too long to be read whole. */
export const SAMPLES_MAX = 24;
/** Journals up to this many numbers are read whole, page by page. */
export const WHOLE_MAX = 2_400;

/** Where along the journal samples begin; each reads the entries that follow. */
export function sampleStarts({ first, last }: Extent, count = SAMPLES_MAX): readonly number[] {
  const width = last - first + 1;
  const starts = Array.from({ length: count }, (_, index) => first - 1 + Math.floor((index * width) / count));
  return [...new Set(starts)];
}

export type StripShape = { readonly bars: number; readonly by: 'count' | 'rate' };

export function densityBars(
  extent: Extent,
  samples: readonly Sample[],
  { bars, by }: StripShape,
): readonly DensityBar[] {
  const width = Math.max(1, extent.last - extent.first + 1);
  const placeOf = (seq: number): number =>
    Math.min(bars - 1, Math.max(0, Math.floor(((seq - extent.first) / width) * bars)));
  const marks = landmarksOf(samples, bars, placeOf);
  const raw = Array.from({ length: bars }, (_, bar) => {
    const from = extent.first + (bar * width) / bars;
    const sample = sampleAt(samples, from + width / bars / 2);
    if (sample === null) return 0;
    const stretch = { from, to: from + width / bars };
    return by === 'rate' ? rateOf(sample, stretch) : countOf(sample, stretch);
  });
  // The logarithm keeps a quiet hour beside a burst visible.
  const scaled = raw.map((value) => Math.log1p(value));
  const highest = Math.max(...scaled, Number.MIN_VALUE);
  return scaled.map((value, bar) => ({ height: value / highest, landmark: marks[bar] ?? null }));
}

const landmarksOf = (
  samples: readonly Sample[],
  bars: number,
  placeOf: (seq: number) => number,
): readonly (Landmark | null)[] => {
  const marks = Array.from<Landmark | null>({ length: bars }).fill(null);
  for (const { entries } of samples) {
    for (const entry of entries) {
      const landmark = landmarkOf(entry);
      const place = placeOf(entry.seq);
      if (landmark !== null && marks[place] !== 'failure') marks[place] = landmark;
    }
  }
  return marks;
};

/** The sample that holds a number, else the one before it: what lies between two samples is like the first. */
const sampleAt = (samples: readonly Sample[], seq: number): Sample | null =>
  samples.findLast(({ first }) => first <= seq) ?? samples[0] ?? null;

type Stretch = { readonly from: number; readonly to: number };

const countOf = ({ entries, first, last }: Sample, { from, to }: Stretch): number => {
  if (from >= first && to <= last + 1) return entries.filter(({ seq }) => seq >= from && seq < to).length;
  return (entries.length / Math.max(1, last - first + 1)) * (to - from);
};

/** Entries per second where the sample holds the stretch, else on average; those of one millisecond count as a thousandth. */
const rateOf = ({ entries }: Sample, { from, to }: Stretch): number => {
  const begin = entries.findIndex(({ seq }) => seq >= from);
  const end = entries.findIndex(({ seq }) => seq >= to);
  const isInside = begin !== -1 && end > begin;
  const first = entries[isInside ? begin : 0];
  const next = isInside ? entries[end] : entries.at(-1);
  if (first === undefined || next === undefined) return 0;
  const count = isInside ? end - begin : entries.length - 1;
  return count / Math.max(0.001, (next.at - first.at) / 1_000);
};
