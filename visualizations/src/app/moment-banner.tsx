/** Says that what is seen is over, and leads back to now. */
import { useMoment, usePast } from '../connection/use-conductor.ts';
import { Button } from '../design/button.tsx';
import { formatCount, formatTime } from '../design/format.ts';
import { ErrorNote } from '../design/notes.tsx';

export const MomentBanner = () => {
  const { seq, set } = useMoment();
  const { moment, error } = usePast();
  if (seq === null) return null;
  const at = moment !== null && moment.seq === seq ? moment.at : null;
  return (
    <div className="moment-banner" role="region" aria-label="Moment shown">
      <p>
        You look at {at === null ? 'a moment of the past' : formatTime(at)}, entry {formatCount(seq)}.
      </p>
      <Button
        onPress={() => {
          set(null);
        }}
      >
        Back to now
      </Button>
      {error === null ? null : <ErrorNote title="This moment cannot be read" error={error} />}
    </div>
  );
};
