/**
 * Names for branches and directories: safe for git, for any file system, for a shell, and readable.
 *
 * N1. A slug matches `[a-z0-9._-]{1,48}`, begins and ends with a letter, digit or `_`, has no `..` and no `.lock` end
 *     (git refuses those in refs). It is lower-case, so that two slugs never differ by case alone.
 * N2. Canonically equal texts (composed or decomposed) have the same slug.
 */

/** Longest slug: branch and directory together stay far below every limit of a file system. */
export const slugLengthMax = 48;

/** @returns the slug of `text`, or of `fallback` when nothing of `text` can be kept (say, a title in Han script). */
export function slugOf(text: string, fallback: string): string {
  return trimmed(text) || trimmed(fallback) || 'x';
}

/** `slug` with `suffix` appended, cut so that both fit. */
export function suffixedSlug(slug: string, suffix: string): string {
  const tail = trimmed(suffix).slice(0, 20);
  return `${cut(slug, slugLengthMax - tail.length - 1)}-${tail}`;
}

function trimmed(text: string): string {
  const ascii = text
    .normalize('NFC')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/-{2,}/g, '-');
  return cut(ascii.replace(/^[.-]+/, ''), slugLengthMax);
}

function cut(slug: string, length: number): string {
  let result = slug.slice(0, length);
  let before = '';
  while (before !== result) {
    before = result;
    result = result.replace(/[.-]+$/, '').replace(/\.lock$/, '');
  }
  return result;
}
