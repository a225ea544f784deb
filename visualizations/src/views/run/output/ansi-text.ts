/**
 * Output of programs as lines of coloured pieces. Colours and weights count; everything else that a terminal would act on is taken out
 * or shown by a sign.
 *
 * A1. A line's colours do not depend on whether the lines above it are drawn: what was set before it travels with it.
 * A2. Nothing becomes HTML: pieces are text and names of classes.
 */
import Anser from 'anser';

/** Escape sequences but those of colours: OSC (titles, links), CSI that does not end in m, and two-character ones. */
const SEQUENCES =
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
  /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[PX^_][^\u001b]*(?:\u001b\\)?|\u001b\[[0-9;:<=>?]*[ -/]*[@-ln-~]|\u001b[ -/]*[0-Z\\^-~]/g;
// oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
const COLOURS = /\u001b\[[0-9;:]*m/g;
// oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
const RESET = /^\u001b\[0*m$/;
/** Colour changes that travel with a line; a program that sets more without a reset repeats itself. */
const CARRIED_MAX = 16;

export type AnsiPiece = { readonly text: string; readonly className: string };

/** Without what only a terminal can do; colours stay. */
export const withoutMoves = (line: string): string => line.replace(SEQUENCES, '');

/** As it is read and searched: no colours either. */
export const plainText = (line: string): string => withoutMoves(line).replace(COLOURS, '');

/** A program that draws over its own line leaves what it wrote last. */
export function lastDrawn(line: string): string {
  const text = line.endsWith('\r') ? line.slice(0, -1) : line;
  const at = text.lastIndexOf('\r');
  return at === -1 || at === text.length - 1 ? text : text.slice(at + 1);
}

/** The colours in force after a line that began with `carried`. */
export function carriedAfter(carried: string, line: string): string {
  if (!line.includes('\u001b')) return carried;
  const all = [...(carried.match(COLOURS) ?? []), ...(line.match(COLOURS) ?? [])];
  const reset = all.findLastIndex((sequence) => RESET.test(sequence));
  return all
    .slice(reset + 1)
    .slice(-CARRIED_MAX)
    .join('');
}

const classOf = ({ fg, bg, decorations }: Anser.AnserJsonEntry): string =>
  [
    ...(/^ansi-[a-z-]+$/.test(fg ?? '') ? [`${fg}-fg`] : []),
    ...(/^ansi-[a-z-]+$/.test(bg ?? '') ? [`${bg}-bg`] : []),
    ...decorations.map((name) => `ansi-${name}`),
  ].join(' ');

/** @param carried Colours in force at the beginning of the text. */
export function ansiPieces(text: string, carried: string): readonly AnsiPiece[] {
  if (carried === '' && !text.includes('\u001b')) return [{ text, className: '' }];
  const entries = Anser.ansiToJson(carried + withoutMoves(text), { json: true, use_classes: true, remove_empty: true });
  return entries.map((entry) => ({ text: entry.content, className: classOf(entry) }));
}
