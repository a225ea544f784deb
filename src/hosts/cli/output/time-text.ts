/** Times and lengths of time for people: local clock, two units at most. */

const two = (value: number): string => String(value).padStart(2, '0');

/** `13:04:05`, local. */
export const clockText = (at: number): string => {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

/** `2026-11-20 13:04:05`, local. */
export const dateText = (at: number): string => {
  const date = new Date(at);
  return `${String(date.getFullYear())}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockText(at)}`;
};

/** `7s`, `3m12s`, `4h05m`, `2d03h`; nothing is shorter than `0s`. */
export const durationText = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${String(seconds)}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${String(minutes)}m${two(seconds % 60)}s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${String(hours)}h${two(minutes % 60)}m`;
  return `${String(Math.floor(hours / 24))}d${two(hours % 24)}h`;
};

/** `3m12s ago`. */
export const agoText = (at: number, now: number): string => `${durationText(now - at)} ago`;

/** `1,204`, whatever the locale. */
export const countText = (count: number): string => String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');

/** `1 task`, `2 tasks`. */
export const plural = (count: number, noun: string): string => `${countText(count)} ${noun}${count === 1 ? '' : 's'}`;

/** `512 B`, `1.2 MiB`. */
export const bytesText = (bytes: number): string => {
  if (bytes < 1_024) return `${String(bytes)} B`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes / 1_024;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${value.toFixed(1)} ${units[unit]!}`;
};
