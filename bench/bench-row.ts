/** One measured figure, and how medians and ratios are made. */

export type BenchRow = {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly p95: number | null;
  /** What it must reach, in words. */
  readonly target: string;
  /** null: nothing to reach, or undecided on this machine. */
  readonly met: boolean | null;
  readonly detail: string;
};

/** A module of this folder that can be measured. */
export type Bench = { readonly run: () => Promise<readonly BenchRow[]> };

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear interpolation between the closest ranks. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

/** Of the bootstrap interval of a median. */
const RESAMPLES = 2_000;

/** Bootstrap 95 % interval of a median. */
export function intervalOf(values: readonly number[]): readonly [low: number, high: number] {
  const medians = Array.from({ length: RESAMPLES }, () =>
    median(values.map(() => values[Math.floor(Math.random() * values.length)]!)),
  );
  return [quantile(medians, 0.025), quantile(medians, 0.975)];
}
