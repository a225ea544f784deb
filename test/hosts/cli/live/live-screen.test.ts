/**
 * Goal: the last frame stands on the screen and nothing of an earlier one does, also after a resize; the cursor comes back.
 * Method: a virtual screen that obeys the sequences we send and no others.
 */
import { expect, test } from 'vitest';
import { LiveScreen } from '../../../../src/hosts/cli/live/live-screen.ts';
import { output } from '../surroundings.ts';

/** Rows of a screen after these bytes; throws for a sequence it does not know. */
const screenOf = (text: string): { readonly lines: string[]; readonly cursorShown: boolean } => {
  const lines = [''];
  let row = 0;
  const effects: Readonly<Record<string, () => void>> = {
    '\n': () => (row += 1),
    '\r': () => {},
    '\u001b[?25l': () => {},
    '\u001b[?25h': () => {},
    '\u001b[2K': () => (lines[row] = ''),
    '\u001b[J': () => lines.splice(row, lines.length),
    '\u001b[2J': () => lines.splice(0, lines.length),
    '\u001b[H': () => (row = 0),
  };
  for (const [token] of text.matchAll(/\p{Cc}\[\??\d*[A-Za-z]|\r|\n|[^\p{Cc}]+/gu)) {
    const up = /^\p{Cc}\[(\d+)A$/u.exec(token);
    if (up !== null) row -= Number(up[1]);
    else if (effects[token] !== undefined) effects[token]();
    else if (/^\p{Cc}/u.test(token)) throw new Error(`an unknown sequence: ${JSON.stringify(token)}`);
    else lines[row] = (lines[row] ?? '') + token;
  }
  const cursorShown = text.lastIndexOf('\u001b[?25h') > text.lastIndexOf('\u001b[?25l');
  return { lines: lines.filter((line) => line !== ''), cursorShown };
};

const screenWith = (frames: { lines: readonly string[] }) => {
  const stdout = output(true);
  const pending = new Set<() => void>();
  const after = (_ms: number, run: () => void): (() => void) => {
    pending.add(run);
    return () => pending.delete(run);
  };
  const screen = new LiveScreen({ stdout, after }, () => frames.lines);
  const tick = (): void => {
    for (const run of Array.from(pending)) {
      pending.delete(run);
      run();
    }
  };
  return { stdout, screen, tick, pending };
};

test('a shorter frame leaves nothing of a longer one', () => {
  const frames = { lines: ['one', 'two', 'three'] };
  const { stdout, screen, tick } = screenWith(frames);
  frames.lines = ['uno'];
  screen.changed();
  tick();
  expect(screenOf(stdout.text).lines).toEqual(['uno']);
});

test('S1: many changes make one frame', () => {
  const frames = { lines: ['one'] };
  const { stdout, screen, tick } = screenWith(frames);
  const before = stdout.text.length;
  for (let index = 0; index < 100; index += 1) screen.changed();
  expect(stdout.text.length).toBe(before);
  tick();
  expect(stdout.text.slice(before).match(/one/g)).toHaveLength(1);
});

test('S2: after a resize the screen is drawn anew', () => {
  const frames = { lines: ['one', 'two'] };
  const { stdout, tick } = screenWith(frames);
  stdout.resizeTo(20, 10);
  tick();
  expect(stdout.text).toContain('\u001b[2J');
  expect(screenOf(stdout.text).lines).toEqual(['one', 'two']);
});

test('S3: at the end the cursor is back and nothing is drawn any more', () => {
  const frames = { lines: ['one'] };
  const { stdout, screen, tick, pending } = screenWith(frames);
  expect(screenOf(stdout.text).cursorShown).toBe(false);
  frames.lines = ['last'];
  screen.end(true);
  screen.changed();
  tick();
  expect(screenOf(stdout.text)).toEqual({ lines: ['last'], cursorShown: true });
  expect(pending.size).toBe(0);
});

test('a view that is not kept leaves no line', () => {
  const { stdout, screen } = screenWith({ lines: ['one', 'two'] });
  screen.end(false);
  expect(screenOf(stdout.text)).toEqual({ lines: [], cursorShown: true });
});
