/** Reads what `ps` and `vm_stat` of macOS print. Pure text to values. */
import { COOKIE_VARIABLE, type ProcessRow, type ProcessState, type ProcessUsage } from './process-table.ts';

/**
 * Printed without headings, for which each needs an option of its own: BSD takes all that follows the first `=` for a
 * heading. The program's name comes last because it may hold spaces.
 */
export const PS_COLUMNS = ['pid', 'ppid', 'pgid', 'uid', 'stat', 'lstart', 'comm'].flatMap((name) => [
  '-o',
  `${name}=`,
]);

const PS_LINE = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\w+\s+\w+\s+\d+\s+[\d:]+\s+\d+)(?:\s(.*))?$/;

/** Null when the line has another shape. `lstart` must have been printed under LC_ALL=C and TZ=UTC. */
export const parsePsLine = (
  line: string,
  host: { readonly hostId: string; readonly bootId: string },
): ProcessRow | null => {
  const [, pid, ppid, pgid, uid, state = '', started, command = ''] = PS_LINE.exec(line) ?? [];
  const startedAt = Date.parse(`${started} UTC`);
  if (pid === undefined || Number.isNaN(startedAt)) return null;
  return {
    identity: {
      hostId: host.hostId,
      bootId: host.bootId,
      pid: Number(pid),
      startTicks: String(startedAt / 1_000),
    },
    ppid: Number(ppid),
    pgid: Number(pgid),
    sid: 0,
    uid: Number(uid),
    state: stateOf(state),
    command,
  };
};

/** Lines of `ps -o pid=,rss=,time=`: `1234  5678   1:02.34`, with hours or days before it when there are any. */
export const parsePsUsage = (output: string, at: number): ReadonlyMap<number, ProcessUsage> =>
  new Map(
    [...output.matchAll(/^\s*(\d+)\s+(\d+)\s+(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)\s*$/gm)].map(
      ([, pid, rss, days = '0', hours = '0', minutes, seconds]): [number, ProcessUsage] => {
        const inMinutes = (Number(days) * 24 + Number(hours)) * 60 + Number(minutes);
        return [Number(pid), { rssBytes: Number(rss) * 1_024, cpuMs: (inMinutes * 60 + Number(seconds)) * 1_000, at }];
      },
    ),
  );

/** Lines of `ps -o pid=,command=` as pid → text. A line without a pid in front continues the text before it. */
export const parsePsTexts = (output: string): ReadonlyMap<number, string> => {
  const texts = new Map<number, string>();
  let last: number | null = null;
  for (const line of output.replace(/\n$/, '').split('\n')) {
    const [, pid, text = ''] = /^\s*(\d+) (.*)$/.exec(line) ?? [];
    if (pid !== undefined) texts.set((last = Number(pid)), text);
    else if (last !== null) texts.set(last, `${texts.get(last) ?? ''}\n${line}`);
  }
  return texts;
};

/**
 * The cookie in a command line with its environment behind it.
 *
 * @param plain The same command line without environment: an argument that reads like the variable does not count.
 */
export const findCookie = (plain: string, full: string): string | null => {
  const environment = full.startsWith(plain) ? full.slice(plain.length) : '';
  return new RegExp(`(?:^|\\s)${COOKIE_VARIABLE}=(\\S+)`).exec(environment)?.[1] ?? null;
};

/** Free, inactive, speculative and purgeable pages, in bytes: what a new program can have without swapping. */
export const parseVmStat = (output: string): number => {
  const pageBytes = Number(/page size of (\d+) bytes/.exec(output)?.[1] ?? 4_096);
  const pages = ['free', 'inactive', 'speculative', 'purgeable'].map((kind) =>
    Number(new RegExp(`^Pages ${kind}:\\s+(\\d+)`, 'm').exec(output)?.[1] ?? 0),
  );
  return pages.reduce((sum, count) => sum + count, 0) * pageBytes;
};

const stateOf = (letters: string): ProcessState => {
  if (letters.startsWith('Z')) return 'zombie';
  return letters.startsWith('T') ? 'stopped' : 'running';
};
