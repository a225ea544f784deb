/**
 * Goal: a program's output cannot do anything to a terminal but colour it.
 * Method: sequences by name, each also cut at every place; a property over random bytes.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TerminalFilter } from '../../../../src/hosts/cli/output/terminal-filter.ts';

const filtered = (...chunks: readonly (string | Uint8Array)[]): string => {
  const filter = new TerminalFilter();
  const parts = chunks.map((chunk) => filter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk));
  return parts.join('') + filter.end();
};

describe.each([
  ['colours pass', 'a\u001b[1;31mred\u001b[0m', 'a\u001b[1;31mred\u001b[0m'],
  ['true colours with colons pass', '\u001b[38:2::1:2:3mx', '\u001b[38:2::1:2:3mx'],
  ['cursor and screen', 'a\u001b[2J\u001b[10;3Hb\u001b[?1049hc', 'abc'],
  ['a private sequence that ends with m', 'a\u001b[>4;1mb', 'ab'],
  ['the title, ended by BEL or ST', 'a\u001b]0;evil\u0007b\u001b]2;x\u001b\\c', 'abc'],
  ['a clipboard write', 'a\u001b]52;c;ZXZpbA==\u0007b', 'ab'],
  ['a device string', 'a\u001bP1$r\u001b\\b', 'ab'],
  ['a string that another sequence interrupts', 'a\u001b]0;x\u001b[31mb', 'a\u001b[31mb'],
  ['a character set', 'a\u001b(0b', 'ab'],
  ['a reset', 'a\u001bcb', 'ab'],
  ['C1 controls', 'a\u009b2Jb\u009d0;x\u009cc', 'abc'],
  ['a lone carriage return', 'evil\rgood\r\n', 'evil\ngood\n'],
  ['bell, backspace and bidi', 'a\u0007\b\u202eb', 'ab'],
  ['tab and new line', 'a\tb\nc', 'a\tb\nc'],
  ['characters of four bytes', 'ok 🎉', 'ok 🎉'],
])('%s', (_name, input, wanted) => {
  test('in one piece', () => {
    expect(filtered(input)).toBe(wanted);
  });

  test('F1: cut at every byte', () => {
    const bytes = Buffer.from(input);
    for (let cut = 1; cut < bytes.length; cut += 1) {
      expect(filtered(bytes.subarray(0, cut), bytes.subarray(cut))).toBe(wanted);
    }
  });
});

test('F1: a sequence that never ends does not swallow the rest', () => {
  expect(filtered(`\u001b[${'1;'.repeat(500)}`, 'seen')).toContain('seen');
  expect(filtered(`\u001b]0;${'x'.repeat(10_000)}`, 'seen')).toContain('seen');
});

test('whatever comes in, only colours come out', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (chunks) => {
      const rest = filtered(...chunks)
        .replaceAll(/\p{Cc}\[[0-9;:]*m/gu, '')
        .replaceAll(/[\t\n]/g, '');
      expect(rest).not.toMatch(/\p{Cc}/u);
    }),
    { numRuns: 500 },
  );
});
