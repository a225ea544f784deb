/**
 * Time travel: a slider over the journal of what the page shows, with its density, steps, playing and jumps. The moment lies in the
 * address, so that a link holds it.
 */
import { useEffect, useMemo, useState, type ReactNode } from 'react';
import { useKeys } from '../app/keys.ts';
import type { Route } from '../app/route.ts';
import { useRoute } from '../app/use-route.ts';
import { useMoment } from '../connection/use-conductor.ts';
import { Button } from '../design/button.tsx';
import { formatCount, formatTime } from '../design/format.ts';
import { SafeText } from '../design/model-text.tsx';
import type { FeedEntry } from '../../../src/hosts/inspector/protocol.ts';
import { eventSentence, eventWords } from './event-words.ts';
import { PROJECT_SCOPE, scopeName, scopeOfId, type JournalScope } from './journal-scope.ts';
import { SPEEDS, type Speed } from './playback.ts';
import { useDensity, type Density } from './use-density.ts';
import { usePageReader } from './use-journal.ts';
import { usePlayback, type Playback } from './use-playback.ts';
import { whenRead } from './when-read.ts';
import type { ReadPage } from './journal-pages.ts';
import './scrubber.css';

const scopeOf = ({ view, id }: Pick<Route, 'view' | 'id'>): JournalScope => {
  if (view === 'objective') return scopeOfId(id, 'contents');
  return view === 'entity' || view === 'run' || view === 'gate' ? scopeOfId(id, 'machine') : PROJECT_SCOPE;
};

/** The entry that is shown: the scope's newest one at or before the moment. */
const useShownEntry = (read: ReadPage, seq: number | null): FeedEntry | null => {
  const [shown, setShown] = useState<{ readonly read: ReadPage; readonly entry: FeedEntry | null } | null>(null);
  useEffect(() => {
    if (seq === null) return undefined;
    return whenRead(read({ until: seq, limit: 1 }), {
      done: (entries) => {
        setShown({ read, entry: entries.at(-1) ?? null });
      },
      failed: () => {
        // The banner above says that the moment cannot be read.
      },
    });
  }, [read, seq]);
  return seq !== null && shown?.read === read ? shown.entry : null;
};

const Strip = ({ density }: { readonly density: Density }) => (
  <svg
    className="scrub-strip"
    viewBox={`0 0 ${String(density.bars.length)} 24`}
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    {density.bars.map(({ height, landmark }, index) => (
      <rect
        // A bar is its place.
        // oxlint-disable-next-line react/no-array-index-key
        key={index}
        x={index + 0.1}
        width={0.8}
        y={24 - Math.max(height > 0 ? 1.5 : 0, height * 22)}
        height={Math.max(height > 0 ? 1.5 : 0, height * 22)}
        className={`scrub-bar-${landmark ?? 'plain'}`}
      />
    ))}
  </svg>
);

type SliderProps = { readonly density: Density | null; readonly entry: FeedEntry | null; readonly scope: JournalScope };

const Slider = ({ density, entry, scope }: SliderProps) => {
  const { seq, lastSeq, set } = useMoment();
  const first = density?.extent.first ?? 1;
  const last = Math.max(first, scope.kind === 'project' ? lastSeq : (density?.extent.last ?? lastSeq));
  const value = Math.min(last, Math.max(first, seq ?? last));
  const words = seq === null ? 'now' : `entry ${String(seq)}${entry === null ? '' : `, ${eventSentence(entry)}`}`;
  return (
    <div className="scrub-slider">
      {density === null ? null : <Strip density={density} />}
      <input
        type="range"
        min={first}
        max={last}
        step={1}
        value={value}
        aria-label={`Moment, in ${scopeName(scope)}`}
        aria-valuetext={words}
        onChange={({ target }) => {
          const next = Number(target.value);
          set(next >= last ? null : next);
        }}
      />
    </div>
  );
};

const Controls = ({ playback, isLive }: { readonly playback: Playback; readonly isLive: boolean }) => {
  const { set } = useMoment();
  return (
    <div className="scrub-controls" role="group" aria-label="Steps">
      <Button
        label="Step back"
        onPress={() => {
          playback.step(-1);
        }}
      >
        ◂
      </Button>
      <Button label={playback.isPlaying ? 'Pause the journal' : 'Play the journal'} onPress={playback.toggle}>
        {playback.isPlaying ? '❚❚' : '▶'} <span className="scrub-what">journal</span>
      </Button>
      <Button
        label="Step on"
        isDisabled={isLive}
        onPress={() => {
          playback.step(1);
        }}
      >
        ▸
      </Button>
      <select
        aria-label="Speed"
        value={playback.speed}
        onChange={({ target }) => {
          playback.setSpeed(Number(target.value) as Speed);
        }}
      >
        {SPEEDS.map((speed) => (
          <option key={speed} value={speed}>
            {speed}×
          </option>
        ))}
      </select>
      <Button label="Jump to the next failure or gate" onPress={playback.jump}>
        ⚑
      </Button>
      <Button
        isDisabled={isLive}
        onPress={() => {
          set(null);
        }}
      >
        Now
      </Button>
    </div>
  );
};

const EntryWords = ({ entry }: { readonly entry: FeedEntry }) => {
  const { event, change, text, byAgent } = eventWords(entry);
  return (
    <>
      <time dateTime={new Date(entry.at).toISOString()}>{formatTime(entry.at)}</time> · {entry.machine}{' '}
      <code>{event}</code>
      {entry.kind === 'rejected' ? ' refused' : ''}
      {change === null ? null : ` · ${change}`}
      {text === null ? null : (
        <>
          {' '}
          · {byAgent ? 'agent: ' : ''}
          <SafeText text={text} />
        </>
      )}
    </>
  );
};

const whereText = (seq: number | null, lastSeq: number, entry: FeedEntry | null): ReactNode => {
  if (seq === null) return <>Now, after entry {formatCount(lastSeq)}</>;
  return (
    <>
      <strong>{formatCount(seq)}</strong> of {formatCount(lastSeq)}{' '}
      {entry === null ? null : <EntryWords entry={entry} />}
    </>
  );
};

export const Scrubber = () => {
  const { view, id } = useRoute();
  const { seq, lastSeq, set } = useMoment();
  const scope = useMemo(() => scopeOf({ view, id }), [view, id]);
  const read = usePageReader(scope);
  const density = useDensity(read, scope, lastSeq);
  const entry = useShownEntry(read, seq);
  const playback = usePlayback(read);
  useKeys([
    { keys: '[', label: 'One entry back in time', run: () => playback.step(-1) },
    { keys: ']', label: 'One entry on in time', run: () => playback.step(1) },
    { keys: 'space', label: 'Play and pause the journal', run: playback.toggle },
    { keys: 'Home', label: 'To the first entry', run: playback.start },
    { keys: 'End', label: 'Back to now', run: () => set(null) },
    { keys: '!', label: 'To the next failure or gate', run: playback.jump },
  ]);
  if (lastSeq === 0) return null;
  return (
    <div className={seq === null ? 'scrubber' : 'scrubber is-past'}>
      <Controls playback={playback} isLive={seq === null} />
      <Slider density={density} entry={entry} scope={scope} />
      <p className="scrub-words small">
        {whereText(seq, lastSeq, entry)} <span className="muted">· {scopeName(scope)}</span>
        <span role="status">{playback.note === null ? '' : ` · ${playback.note}`}</span>
      </p>
    </div>
  );
};
