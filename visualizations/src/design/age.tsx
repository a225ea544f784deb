/** Times that go on: how long ago, how long already. They follow the page's clock. */
import { useNow } from './clock.ts';
import { formatDuration, formatTime } from './format.ts';

/** `3 min 4 s ago`, with the exact time as a tooltip. */
export const Age = ({ at, suffix = ' ago' }: { readonly at: number; readonly suffix?: string }) => {
  const now = useNow();
  return (
    <time className="nowrap" dateTime={new Date(at).toISOString()} title={formatTime(at)}>
      {formatDuration(now - at)}
      {suffix}
    </time>
  );
};

/** How long it took, or takes so far when `to` is null. */
export const Elapsed = ({ from, to = null }: { readonly from: number; readonly to?: number | null }) =>
  to === null ? <Age at={from} suffix="" /> : <span className="nowrap">{formatDuration(to - from)}</span>;
