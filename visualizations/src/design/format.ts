/** Numbers for people: durations, sizes, rates, times of day. Pure; a unit stands behind each. */

const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const two = (large: string, rest: number, unit: string): string =>
  rest === 0 ? large : `${large} ${String(rest)} ${unit}`;

/** `7 s`, `2 min 5 s`, `1 h 12 min`, `3 d 4 h`. What is negative (a clock was set back) counts as nothing. */
export const formatDuration = (ms: number): string => {
  const time = Math.max(0, ms);
  if (time < MINUTE_MS) return `${String(Math.floor(time / SECOND_MS))} s`;
  if (time < HOUR_MS) {
    return two(`${String(Math.floor(time / MINUTE_MS))} min`, Math.floor((time % MINUTE_MS) / SECOND_MS), 's');
  }
  if (time < DAY_MS) {
    return two(`${String(Math.floor(time / HOUR_MS))} h`, Math.floor((time % HOUR_MS) / MINUTE_MS), 'min');
  }
  return two(`${String(Math.floor(time / DAY_MS))} d`, Math.floor((time % DAY_MS) / HOUR_MS), 'h');
};

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `812 B`, `14.2 KiB`, `3.1 GiB`. */
export const formatBytes = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 2 ** (10 * power);
  return `${power === 0 ? String(Math.round(value)) : value.toFixed(1)} ${BYTE_UNITS[power] ?? 'B'}`;
};

export const formatRate = (bytesPerSecond: number): string => `${formatBytes(bytesPerSecond)}/s`;

/** `0.4 %`, `34 %`: below ten with one digit more. */
export const formatPercent = (percent: number): string => `${percent.toFixed(percent < 9.95 ? 1 : 0)} %`;

export const formatCount = (count: number): string => count.toLocaleString('en-US');

/** `1 task`, `3 tasks`. */
export const counted = (count: number, noun: string): string =>
  `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

const pad = (part: number): string => String(part).padStart(2, '0');

/** Local time as `2027-01-31 12:04:09`. */
export const formatTime = (at: number): string => {
  const date = new Date(at);
  const day = `${String(date.getFullYear())}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
};
