/**
 * Text from outside made harmless to the eye: characters that act instead of being seen become visible.
 *
 * V1. Nothing is dropped: each character of the text is in exactly one piece.
 */

export type TextPiece =
  | { readonly kind: 'text'; readonly text: string }
  /** One or more of the same character. `sign` is what is shown for it. */
  | { readonly kind: 'control'; readonly sign: string; readonly name: string };

const NAMES: Readonly<Record<number, string>> = {
  0x00: 'null',
  0x07: 'bell',
  0x08: 'backspace',
  0x0d: 'carriage return',
  0x1b: 'escape',
  0x7f: 'delete',
  0xad: 'soft hyphen',
  0x61c: 'Arabic letter mark',
  0x200b: 'zero width space',
  0x200c: 'zero width non-joiner',
  0x200e: 'left-to-right mark',
  0x200f: 'right-to-left mark',
  0x2028: 'line separator',
  0x2029: 'paragraph separator',
  0x202a: 'left-to-right embedding',
  0x202b: 'right-to-left embedding',
  0x202c: 'end of direction',
  0x202d: 'left-to-right override',
  0x202e: 'right-to-left override',
  0x2060: 'word joiner',
  0x2066: 'left-to-right isolate',
  0x2067: 'right-to-left isolate',
  0x2068: 'first strong isolate',
  0x2069: 'end of isolate',
  0xfeff: 'byte order mark',
};

/** Controls but tab and line feed, marks of direction, invisible spaces and tags. The joiner of emoji (U+200D) stays. */
const ACTING =
  // oxlint-disable-next-line no-control-regex -- finding control characters is what it is for
  /([\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}])\1*/gu;

const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** Short names of U+0000 to U+001F. Unicode has pictures of them as well, which few fonts hold. */
const C0 = (
  'NUL SOH STX ETX EOT ENQ ACK BEL BS TAB LF VT FF CR SO SI ' +
  'DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'
).split(' ');

const signOf = (code: number, character: string): string => C0[code] ?? (code === 0x7f ? 'DEL' : codeOf(character));

const controlPiece = (run: string): TextPiece => {
  const characters = Array.from(run);
  const character = characters[0] ?? '';
  const code = character.codePointAt(0) ?? 0;
  const times = characters.length === 1 ? '' : `×${String(characters.length)}`;
  const name = NAMES[code] === undefined ? codeOf(character) : `${NAMES[code]} (${codeOf(character)})`;
  return { kind: 'control', sign: `${signOf(code, character)}${times}`, name };
};

/** Splits a text into what is shown as it is and what is shown by a sign. `\r\n` counts as a plain line end. */
export const visiblePieces = (raw: string): readonly TextPiece[] => {
  const text = raw.replaceAll('\r\n', '\n');
  const pieces: TextPiece[] = [];
  let from = 0;
  for (const found of text.matchAll(ACTING)) {
    if (found.index > from) pieces.push({ kind: 'text', text: text.slice(from, found.index) });
    pieces.push(controlPiece(found[0]));
    from = found.index + found[0].length;
  }
  if (from < text.length) pieces.push({ kind: 'text', text: text.slice(from) });
  return pieces;
};

/** At most `max` UTF-16 units, never half a character. */
export const cutText = (text: string, max: number): string => {
  if (text.length <= max) return text;
  const code = text.charCodeAt(max - 1);
  return text.slice(0, code >= 0xd800 && code <= 0xdbff ? max - 1 : max);
};

/** The whole as one text, signs in brackets: for places that show nothing else, such as the title of the page. */
export const visibleText = (raw: string): string =>
  visiblePieces(raw)
    .map((piece) => (piece.kind === 'text' ? piece.text : `[${piece.sign}]`))
    .join('');
