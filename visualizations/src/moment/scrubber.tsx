/** The moment that is shown. */
import { useMoment } from '../connection/use-conductor.ts';

export const Scrubber = () => {
  const { seq, lastSeq } = useMoment();
  return seq === null ? null : <p className="muted small">{`${String(seq)} of ${String(lastSeq)}`}</p>;
};
