/**
 * Goal: any output of any program is shown as text: colours kept, everything that acts taken out, long lines cut, nothing lost.
 * Method: hostile strings.
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
import {
  appendText,
  EMPTY_LOG,
  HELD_MAX,
  LINE_SHOWN_MAX,
  rowsOf,
} from '../../../visualizations/src/views/run/output/log-text.ts';

const none = new Set<number>();

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
