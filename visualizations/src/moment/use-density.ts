/** Reads as much of a scope's journal as its strip needs: all of a short one, samples of a long one. */
import { useEffect, useState } from 'react';
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';
import {
  densityBars,
  sampleStarts,
  SAMPLES_MAX,
  WHOLE_MAX,
  type DensityBar,
  type Extent,
  type Sample,
} from './journal-density.ts';
import { PAGE_ENTRIES, type ReadPage } from './journal-pages.ts';
import { whenRead } from './when-read.ts';
import type { JournalScope } from './journal-scope.ts';

export const BARS = 96;

export type Density = { readonly extent: Extent; readonly bars: readonly DensityBar[] };

const readAll = async (read: ReadPage, { first, last }: Extent): Promise<readonly Sample[]> => {
  const entries: FeedEntry[] = [];
  for (let after = first - 1; after < last;) {
    const page = await read({ after });
    entries.push(...page);
    if (page.length < PAGE_ENTRIES) break;
    after = page.at(-1)!.seq;
  }
  return [{ first, last, entries }];
};

/** Entries of each sample: enough to tell a burst from quiet. */
const SAMPLE_ENTRIES = 20;

const readSamples = async (read: ReadPage, extent: Extent): Promise<readonly Sample[]> => {
  const samples: Sample[] = [];
  for (const after of sampleStarts(extent, SAMPLES_MAX)) {
    const entries = await read({ after, limit: SAMPLE_ENTRIES });
    const last = entries.at(-1)?.seq ?? extent.last;
    samples.push({ first: after + 1, last: Math.max(after + 1, last), entries });
  }
  return samples;
};

const readDensity = async (read: ReadPage, scope: JournalScope): Promise<Density | null> => {
  const [first, last] = await Promise.all([read({ after: 0, limit: 1 }), read({ until: null, limit: 1 })]);
  if (first[0] === undefined || last[0] === undefined) return null;
  const extent = { first: first[0].seq, last: last[0].seq };
  const isShort = extent.last - extent.first < WHOLE_MAX;
  const samples = await (isShort ? readAll : readSamples)(read, extent);
  return {
    extent,
    bars: densityBars(extent, samples, { bars: BARS, by: scope.kind === 'project' ? 'rate' : 'count' }),
  };
};

/** How long a strip counts however the journal grows, in ms: reading costs the supervisor more than all else that a page asks for. */
const REST_MS = 60_000;

type Known = {
  readonly read: ReadPage;
  readonly upTo: number;
  readonly density: Density | null;
  readonly isRested: boolean;
};

/** Null until it is read, and while there is nothing. Read anew when the journal has grown by a twentieth, REST_MS later at the soonest. */
export const useDensity = (read: ReadPage, scope: JournalScope, lastSeq: number): Density | null => {
  const [known, setKnown] = useState<Known | null>(null);
  const hasGrown = known !== null && lastSeq > known.upTo * 1.05 + 20;
  const isFresh = known !== null && known.read === read && !(known.isRested && hasGrown);
  useEffect(() => {
    if (known === null || known.isRested) return undefined;
    const timer = setTimeout(() => {
      setKnown({ ...known, isRested: true });
    }, REST_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [known]);
  useEffect(() => {
    if (isFresh || lastSeq === 0) return undefined;
    return whenRead(readDensity(read, scope), {
      done: (density) => {
        setKnown({ read, upTo: lastSeq, density, isRested: false });
      },
      failed: () => {
        // The slider works without its strip; it is tried again when the journal grows.
        setKnown({ read, upTo: lastSeq, density: null, isRested: false });
      },
    });
    // While one is being read a growing journal does not begin another.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [read, isFresh, lastSeq === 0]);
  return known !== null && known.read === read ? known.density : null;
};
