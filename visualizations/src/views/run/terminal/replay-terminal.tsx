/** The recording of a run's terminal, played back. */
import { useCallback, useEffect, useEffectEvent, useRef, useState } from 'react';
import { Button } from '../../../design/button.tsx';
import { Empty, ErrorNote, Loading } from '../../../design/notes.tsx';
import { whenRead } from '../../../moment/when-read.ts';
import { readPiece } from '../output/run-bytes.ts';
import { clockText, drawTo, parseCast, playOn, type Cast } from './cast.ts';
import { XtermScreen, type ScreenHandle } from './xterm-screen.tsx';

const SPEEDS = [1, 2, 4, 8, 16] as const;
/** Between two pictures while it plays, in ms. */
const FRAME_MS = 50;

/** The whole recording, piece by piece; it is as long as the runner lets it be. */
const readRecording = async (runId: string): Promise<string> => {
  const decoder = new TextDecoder();
  let text = '';
  for (let from = 0; ;) {
    const piece = await readPiece('recording', runId, from);
    text += decoder.decode(piece.bytes, { stream: true });
    if (piece.to >= piece.size || piece.bytes.length === 0) return text;
    from = piece.to;
  }
};

type Reading = { readonly runId: string; readonly cast: Cast | null; readonly error: Error | null };

export const ReplayTerminal = ({ runId }: { readonly runId: string }) => {
  const [reading, setReading] = useState<Reading | null>(null);
  const [round, setRound] = useState(0);
  useEffect(() => {
    const asked = { runId, round };
    return whenRead(readRecording(asked.runId), {
      done: (text) => {
        setReading({ runId, cast: parseCast(text), error: null });
      },
      failed: (error) => {
        setReading({ runId, cast: null, error });
      },
    });
  }, [runId, round]);
  if (reading === null || reading.runId !== runId) return <Loading what="the recording" />;
  if (reading.error !== null) {
    return <ErrorNote title="The recording cannot be read" error={reading.error} onRetry={() => setRound(round + 1)} />;
  }
  return reading.cast === null ? (
    <Empty title="There is no recording">The run has not shown anything on its terminal yet.</Empty>
  ) : (
    <Player cast={reading.cast} />
  );
};

/** Draws the time on the screen; what is drawn already is not drawn again. */
const usePlayer = (cast: Cast, at: number) => {
  const screen = useRef<ScreenHandle | null>(null);
  const next = useRef(0);
  const draw = useEffectEvent((recording: Cast, seconds: number) => {
    const step = drawTo(recording, next.current, seconds);
    next.current = step.next;
    if (screen.current === null) return;
    if (step.fromStart) screen.current.reset();
    if (step.size !== null) screen.current.resize(step.size.cols, step.size.rows);
    screen.current.write(step.text);
  });
  useEffect(() => {
    draw(cast, at);
  }, [at, cast]);
  return useCallback((ready: ScreenHandle) => {
    screen.current = ready;
    next.current = 0;
    return () => {
      screen.current = null;
    };
  }, []);
};

const Player = ({ cast }: { readonly cast: Cast }) => {
  const [at, setAt] = useState(cast.duration);
  const [isPlaying, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(1);
  const onReady = usePlayer(cast, at);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const timer = setInterval(() => {
      setAt((now) => playOn(cast, now, (FRAME_MS / 1_000) * speed));
    }, FRAME_MS);
    return () => {
      clearInterval(timer);
    };
  }, [isPlaying, speed, cast]);
  const isOver = at >= cast.duration;
  return (
    <div>
      <div className="terminal-tools">
        <Button
          onPress={() => {
            if (isOver) setAt(0);
            setPlaying(!isPlaying || isOver);
          }}
        >
          {isPlaying && !isOver ? '❚❚ Pause recording' : '▶ Play recording'}
        </Button>
        <input
          type="range"
          min={0}
          max={Math.max(0.1, cast.duration)}
          step={0.1}
          value={at}
          aria-label="Time in the recording"
          aria-valuetext={`${clockText(at)} of ${clockText(cast.duration)}`}
          onChange={({ target }) => {
            setPlaying(false);
            setAt(Number(target.value));
          }}
        />
        <span className="mono nowrap">
          {clockText(at)} / {clockText(cast.duration)}
        </span>
        <select
          aria-label="Speed of the recording"
          value={speed}
          onChange={({ target }) => setSpeed(Number(target.value))}
        >
          {SPEEDS.map((each) => (
            <option key={each} value={each}>
              {each}×
            </option>
          ))}
        </select>
      </div>
      <XtermScreen label="Recording of the terminal" onReady={onReady} />
    </div>
  );
};
