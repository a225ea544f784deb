/**
 * Goal: what a run printed is shown from its end, from any place, and as it grows: nothing lost, nothing twice.
 * Method: a log served in pieces from an array of bytes; looks that the test lets happen.
 */
import { describe, expect, test } from 'vitest';
import { LogSource, PIECE_BYTES } from '../../../visualizations/src/views/run/output/log-source.ts';
import { rowsOf } from '../../../visualizations/src/views/run/output/log-text.ts';

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

describe('a log that is read', () => {
  test('O3: shows a place with what stands around it, reads on from there, and goes back to the end', async () => {
    const lines = Array.from({ length: 60_000 }, (_, index) => `line ${String(index)} ö`);
    const text = `${lines.join('\n')}\n`;
    const log = opened(text);
    const stop = log.source.follow(true);
    await log.settle(0);
    expect(log.source.view()).toMatchObject({ isAtEnd: true, isWhole: false, target: null });
    const place = new TextEncoder().encode(text.slice(0, text.indexOf('line 30000 '))).length;
    await log.source.showAt(place);
    const { target, text: held, isAtEnd } = log.source.view();
    expect(held.lines[target!.line - 1]!.text).toBe('line 30000 ö');
    expect(held.lines[0]!.text).toMatch(/^line 2\d{4} ö$/);
    expect(isAtEnd).toBe(false);
    log.print('the end\n');
    await log.settle(1);
    expect(textOf(log)).not.toContain('the end');
    while (!log.source.view().isAtEnd) await log.source.loadNewer();
    expect(textOf(log)).toBe([...lines.slice(Number(/\d+/.exec(held.lines[0]!.text)![0])), 'the end'].join('\n'));
    log.print('and on\n');
    await log.settle(1);
    expect(textOf(log)).toMatch(/the end\nand on$/);
    await log.source.showAt(0);
    expect(log.source.view().target).toEqual({ line: 1 });
    expect(textOf(log).startsWith('line 0 ')).toBe(true);
    log.source.toEnd();
    await log.settle(2);
    expect(textOf(log)).toMatch(/the end\nand on$/);
    expect(textOf(log)).not.toContain('line 0 ');
    stop();
    await log.source.showAt(0);
    log.source.toEnd();
    await log.settle(0);
    expect(textOf(log)).toMatch(/and on$/);
  });

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
