/**
 * Goal: any output of any program is shown as text: colours kept, everything that acts taken out, long lines cut, nothing lost.
 * Method: hostile strings; a log served in pieces from an array of bytes.
 */
import { describe, expect, test } from 'vitest';
import {
  ansiPieces,
  carriedAfter,
  lastDrawn,
  plainText,
} from '../../../visualizations/src/views/run/output/ansi-text.ts';
import {
  markMatches,
  newSearch,
  nextMatch,
  searchOn,
  isOver,
} from '../../../visualizations/src/views/run/output/log-search.ts';
import { LogSource, PIECE_BYTES } from '../../../visualizations/src/views/run/output/log-source.ts';
import {
  appendText,
  EMPTY_LOG,
  HELD_MAX,
  LINE_SHOWN_MAX,
  rowsOf,
} from '../../../visualizations/src/views/run/output/log-text.ts';

const none = new Set<number>();

const opened = (initial: string) => {
  let bytes = new TextEncoder().encode(initial);
  let dropped = 0;
  const waiting: (() => void)[] = [];
  const source = new LogSource({
    read: async (wanted) => {
      const size = dropped + bytes.length;
      const from = Math.min(size, Math.max(dropped, wanted < 0 ? size + wanted : wanted));
      const piece = bytes.subarray(from - dropped, from - dropped + PIECE_BYTES);
      return { from, to: from + piece.length, size, bytes: piece };
    },
    after: (_ms, run) => {
      waiting.push(run);
      return () => {
        waiting.length = 0;
      };
    },
  });
  return {
    source,
    print: (text: string) => {
      bytes = new Uint8Array([...bytes, ...new TextEncoder().encode(text)]);
    },
    drop: (count: number) => {
      bytes = bytes.subarray(count);
      dropped += count;
    },
    /** Looks until the next look would only wait. */
    settle: async (looks = 1) => {
      for (let look = 0; look < looks; look += 1) {
        await Promise.resolve();
        await new Promise(setImmediate);
        waiting.shift()?.();
      }
      await new Promise(setImmediate);
    },
    waiting,
  };
};
const textOf = ({ source }: ReturnType<typeof opened>): string =>
  rowsOf(source.view().text, none)
    .map(({ text }) => text)
    .join('\n');

describe('colours', () => {
  test('A2: become names of classes and text, whatever the text is', () => {
    expect(ansiPieces('\u001b[1;32mPASS\u001b[0m <script>alert(1)</script>', '')).toEqual([
      { text: 'PASS', className: 'ansi-green-fg ansi-bold' },
      { text: ' <script>alert(1)</script>', className: '' },
    ]);
  });

  test('titles, links, cursor moves and unfinished sequences are gone', () => {
    expect(
      plainText('a\u001b]0;title\u0007b\u001b]8;;http://x\u001b\\c\u001b[2J\u001b[10;4Hd\u001b[?25le\u001b[31mf'),
    ).toBe('abcdef');
    expect(plainText('x\u001b]0;never ends')).toBe('x');
    expect(plainText('\u001bP+q544e\u001b\\y\u001b(Bz')).toBe('yz');
  });

  test('A1: travel from line to line until they are reset, and do not grow without end', () => {
    expect(carriedAfter('', 'a\u001b[31mb')).toBe('\u001b[31m');
    expect(carriedAfter('\u001b[31m', 'c\u001b[1md')).toBe('\u001b[31m\u001b[1m');
    expect(carriedAfter('\u001b[31m', 'c\u001b[0md')).toBe('');
    expect(carriedAfter('\u001b[31m', 'c\u001b[md\u001b[4m')).toBe('\u001b[4m');
    expect(carriedAfter('', '\u001b[31m'.repeat(1_000)).length).toBeLessThan(200);
    expect(ansiPieces('still red', '\u001b[31m')).toEqual([{ text: 'still red', className: 'ansi-red-fg' }]);
  });

  test('a line drawn over keeps what was drawn last', () => {
    expect(['10%\r20%\r', 'a\rb', 'plain', '\r'].map(lastDrawn)).toEqual(['20%', 'b', 'plain', '']);
  });
});

describe('lines', () => {
  test('G1: are the same however the text was cut', () => {
    const text = 'one\ntwo\u001b[31m\nthree\n\nfour';
    const whole = rowsOf(appendText(EMPTY_LOG, text), none).map(({ text: row, carried }) => [row, carried]);
    let log = EMPTY_LOG;
    for (const character of text) log = appendText(log, character);
    expect(rowsOf(log, none).map(({ text: row, carried }) => [row, carried])).toEqual(whole);
    expect(whole.map(([row]) => row)).toEqual(['one', 'two\u001b[31m', 'three', '', 'four']);
    expect(whole[2]?.[1]).toBe('\u001b[31m');
  });

  test('G2: a line of a megabyte is cut, and opened it is there to the last character in short rows', () => {
    const long = `${'😀'.repeat(2 ** 19)}end`;
    const log = appendText(EMPTY_LOG, `before\n${long}\nafter\n`);
    const [, cut, after] = rowsOf(log, none);
    expect(cut!.hidden).toBe(long.length - cut!.text.length);
    expect(after!.text).toBe('after');
    const open = rowsOf(log, new Set([2])).filter(({ line }) => line.number === 2);
    expect(open.map(({ text }) => text).join('')).toBe(long);
    expect(Math.max(...open.map(({ text }) => text.length))).toBeLessThanOrEqual(LINE_SHOWN_MAX);
    expect(open.every(({ text }) => text.isWellFormed())).toBe(true);
  });

  test('G3: beyond its limit the oldest lines are forgotten, the newest never', () => {
    let log = EMPTY_LOG;
    for (let index = 0; index < 20; index += 1)
      log = appendText(log, `${String(index)} ${'x'.repeat(HELD_MAX / 16)}\n`);
    expect(log.characters).toBeLessThanOrEqual(HELD_MAX);
    expect(log.lines[0]!.text.startsWith('0 ')).toBe(false);
    expect(log.lines.at(-1)!.text.startsWith('19 ')).toBe(true);
  });
});

describe('search', () => {
  const rows = rowsOf(appendText(EMPTY_LOG, 'Error here\nfine\n\u001b[31merr\u001b[0mor split\nnone\nERROR\n'), none);
  test('finds what is read, not what is sent, in slices', () => {
    let search = newSearch('ErRoR');
    for (let steps = 0; !isOver(search, rows); steps += 1) {
      expect(steps).toBeLessThan(10);
      search = searchOn(search, rows, 2);
    }
    expect(search.matches).toEqual([0, 2, 4]);
    expect(searchOn(newSearch(''), rows, 9).matches).toEqual([]);
  });

  test('goes on around the ends', () => {
    expect(nextMatch([0, 2, 4], 2, 1)).toBe(4);
    expect(nextMatch([0, 2, 4], 4, 1)).toBe(0);
    expect(nextMatch([0, 2, 4], 0, -1)).toBe(4);
    expect(nextMatch([], 0, 1)).toBeNull();
  });

  test('marks every match, and nothing where lower case has another length', () => {
    expect(markMatches('abAbx', 'ab').map(({ text, isMatch }) => [text, isMatch])).toEqual([
      ['ab', true],
      ['Ab', true],
      ['x', false],
    ]);
    expect(markMatches('İab', 'ab')).toEqual([{ at: 0, text: 'İab', isMatch: false }]);
  });
});

describe('a log that is read', () => {
  test('O1: shows its end, follows what is printed, and stops when nobody looks', async () => {
    const log = opened('first\n');
    const stop = log.source.follow(true);
    await log.settle(0);
    expect(textOf(log)).toBe('first');
    log.print('zw\u00f6lf\n');
    await log.settle(1);
    expect(textOf(log)).toBe('first\nzw\u00f6lf');
    stop();
    expect(log.waiting).toHaveLength(0);
  });

  test('begins at a whole line, and older output is added in front without gap or repeat', async () => {
    const lines = Array.from({ length: 60_000 }, (_, index) => `line ${String(index)} ö`);
    const log = opened(`${lines.join('\n')}\n`);
    log.source.follow(false);
    await log.settle(0);
    expect(log.source.view().hasOlder).toBe(true);
    expect(textOf(log).startsWith('line ')).toBe(true);
    while (log.source.view().hasOlder) await log.source.loadOlder();
    expect(textOf(log)).toBe(lines.join('\n'));
    expect(log.source.view().first).toBe(0);
  });

  test('a line longer than one answer hides nothing before it', async () => {
    const text = `first\n${'x'.repeat(3 * 262_144)}\n`;
    const log = opened(text);
    log.source.follow(false);
    await log.settle(0);
    expect(textOf(log)).not.toBe('');
    while (log.source.view().hasOlder) await log.source.loadOlder();
    expect(log.source.view().text.lines.map((line) => line.text)).toEqual(text.trimEnd().split('\n'));
  });

  test('O2: says where bytes are gone', async () => {
    const log = opened('one\n');
    log.source.follow(true);
    await log.settle(0);
    log.print(`${'x'.repeat(100)}\nlast\n`);
    log.drop(50);
    await log.settle(1);
    expect(textOf(log)).toContain('[46 bytes are gone]');
    expect(textOf(log).endsWith('last')).toBe(true);
  });

  test('a failure is said, and what was read stays', async () => {
    let isAway = false;
    const source = new LogSource({
      read: async () => {
        if (isAway) throw new Error('away');
        return { from: 0, to: 2, size: 2, bytes: new TextEncoder().encode('a\n') };
      },
      after: (_ms, run) => {
        isAway = true;
        setImmediate(run);
        return () => undefined;
      },
    });
    const failed = new Promise<void>((resolve) => {
      source.subscribe(() => {
        if (source.view().error !== null) resolve();
      });
    });
    const stop = source.follow(true);
    await failed;
    stop();
    expect(source.view()).toMatchObject({
      state: 'ready',
      error: { message: 'away' },
      text: { lines: [{ text: 'a' }] },
    });
  });
});
