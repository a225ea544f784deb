/**
 * The ways in which a secret's value may appear in a stream of bytes: as it is, escaped for JSON, URL-encoded, base64 in its
 * three alignments, with the line ends of a terminal. Pure.
 *
 * F1. Values below `VALUE_BYTES_MIN` are not replaced: «on», «1» or «dev» would turn a log into noise and hide nothing.
 * F2. base64 is looked for from `BASE64_BYTES_MIN` on; shorter ones have forms of 4 characters that occur by chance.
 * F3. base64 is kept apart, because it is also found across the line breaks that base64(1) and openssl(1) put into it.
 */

/** Smallest value that is replaced, in bytes (F1). */
export const VALUE_BYTES_MIN = 4;
/** Smallest value whose base64 is replaced too, in bytes (F2). */
export const BASE64_BYTES_MIN = 6;
/** A line of a secret that has several (a key file) counts as a value of its own from this length on, in bytes. */
const LINE_BYTES_MIN = 16;

export type SecretForms = { readonly plain: readonly Buffer[]; readonly base64: readonly Buffer[] };

/** All byte strings that stand for one value; none for what is too short. */
export const formsOf = (value: string): SecretForms => {
  const bytes = Buffer.from(value);
  if (bytes.length < VALUE_BYTES_MIN) return { plain: [], base64: [] };
  const texts = new Set<string>([value, JSON.stringify(value).slice(1, -1), ...urlForms(value)]);
  if (value.includes('\n')) {
    texts.add(value.replaceAll(/\r?\n/g, '\r\n'));
    for (const line of value.split(/\r?\n/))
      if (Buffer.byteLength(line.trim()) >= LINE_BYTES_MIN) texts.add(line.trim());
  }
  const encoded = new Set(bytes.length < BASE64_BYTES_MIN ? [] : base64Forms(bytes));
  return { plain: [...texts].map((text) => Buffer.from(text)), base64: [...encoded].map((text) => Buffer.from(text)) };
};

/** encodeURIComponent and form encoding, in both cases of the hexadecimal digits. */
const urlForms = (value: string): readonly string[] => {
  const wellFormed = value.toWellFormed();
  const upper = [encodeURIComponent(wellFormed), new URLSearchParams([['', wellFormed]]).toString().slice(1)];
  return upper.flatMap((text) => [text, text.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())]);
};

/** What the value determines of a base64 text in which it begins 0, 1 or 2 bytes after a group of three, both alphabets. */
const base64Forms = (bytes: Buffer): readonly string[] =>
  [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const first = Math.ceil((offset * 8) / 6);
    const end = Math.floor(((offset + bytes.length) * 8) / 6);
    const known = text.slice(first, end);
    return [known, known.replaceAll('+', '-').replaceAll('/', '_')];
  });
