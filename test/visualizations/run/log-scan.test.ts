/**
 * Goal: a text is found in all that a run printed, whatever the pieces are that it comes in, and nobody waits for what nobody wants.
 * Method: a log served in pieces from an array of bytes, against a search through the whole; a property over any cut.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { lastDrawn, plainText } from '../../../visualizations/src/views/run/output/ansi-text.ts';
import { LogScan } from '../../../visualizations/src/views/run/output/log-scan.ts';
import { MATCHES_MAX } from '../../../visualizations/src/views/run/output/log-search.ts';

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

const linesOf = (bytes: Uint8Array, query: string): readonly number[] => {
  const places: number[] = [];
  let place = 0;
  for (const line of new TextDecoder().decode(bytes).split('\n')) {
    if (plainText(lastDrawn(line)).toLowerCase().includes(query.toLowerCase())) places.push(place);
    place += encoded(line).length + 1;
  }
  return places.filter((start) => start < bytes.length);
};
/** A log that is read in pieces of this size. */
const scanned = (given: { bytes: Uint8Array; piece: number; from?: number }) => {
  const log = { ...given, from: given.from ?? 0, isAway: false };
  const scan = new LogScan(async (wanted) => {
    if (log.isAway) throw new Error('away');
    const from = Math.max(wanted, log.from);
    const bytes = log.bytes.subarray(from, from + log.piece);
    await new Promise(setImmediate);
    return { from, to: from + bytes.length, size: log.bytes.length, bytes };
  });
  const settled = async (): Promise<void> => {
    while (scan.view().state === 'searching') await new Promise(setImmediate);
  };
  return { log, scan, settled };
};

describe('a search through all of a log', () => {
  test('N2: finds what is found in what is held, however it is cut', async () => {
    const part = fc.constantFrom(
      'ab',
      'AB',
      'a',
      'ö',
      '\n',
      '\n',
      '\r',
      '\u001b[31m',
      '\u001b]0;ab\u0007',
      'x'.repeat(30),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), async (parts, piece) => {
        const bytes = encoded(parts.join(''));
        const { scan, settled } = scanned({ bytes, piece });
        scan.begin('aB');
        await settled();
        expect(scan.view()).toMatchObject({ state: 'done', size: bytes.length });
        expect(scan.view().matches).toEqual(linesOf(bytes, 'aB'));
      }),
    );
  });

  test('N1: stops where it is, goes on from there, and with what was printed meanwhile', async () => {
    const { log, scan, settled } = scanned({ bytes: encoded('no\nyes\n'.repeat(100)), piece: 16 });
    scan.begin('yes');
    while (scan.view().matches.length < 10) await new Promise(setImmediate);
    scan.stop();
    const { searched, matches, state } = scan.view();
    expect(state).toBe('stopped');
    await new Promise(setImmediate);
    expect(scan.view().searched).toBe(searched);
    log.isAway = true;
    scan.goOn();
    await settled();
    expect(scan.view()).toMatchObject({ state: 'failed', searched, matches });
    log.isAway = false;
    log.bytes = encoded('no\nyes\n'.repeat(150));
    scan.goOn();
    await settled();
    expect(scan.view().matches).toEqual(linesOf(log.bytes, 'yes'));
    log.bytes = new Uint8Array([...log.bytes, ...encoded('oh yes')]);
    scan.goOn();
    await settled();
    expect(scan.view().matches).toHaveLength(151);
    log.bytes = new Uint8Array([...log.bytes, ...encoded(', again\nyes\n')]);
    scan.goOn();
    await settled();
    expect(scan.view().matches).toEqual(linesOf(log.bytes, 'yes'));
    scan.begin('');
    expect(scan.view()).toMatchObject({ query: '', matches: [] });
  });

  test('what was dropped is not searched, and no more lines are kept than are counted', async () => {
    const bytes = encoded('yes\n'.repeat(20_000));
    const { scan, settled } = scanned({ bytes, piece: 5_000, from: 8_000 });
    scan.begin('yes');
    await settled();
    expect(scan.view().matches).toHaveLength(MATCHES_MAX);
    expect(scan.view().matches[0]).toBe(8_000);
    expect(scan.view().state).toBe('done');
  });
});
