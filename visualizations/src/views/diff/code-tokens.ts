/**
 * The words of a line of code by kind, for colours. It knows families of languages, not languages: good enough to read a diff by, and
 * each line stands alone, so that any part of a file can be drawn.
 *
 * K1. The tokens of a line, put together, are the line.
 */
export type TokenKind = 'plain' | 'comment' | 'string' | 'number' | 'keyword';
export type Token = { readonly kind: TokenKind; readonly text: string };

type Family = { readonly comment: string | null; readonly keywords: ReadonlySet<string> };

const words = (text: string): ReadonlySet<string> => new Set(text.split(' '));

const C_LIKE: Family = {
  comment: '\\/\\/.*|\\/\\*.*?(?:\\*\\/|$)|^\\s*\\*(?:\\s.*|\\/.*)?$',
  keywords: words(
    'abstract as async await bool boolean break byte case catch char class const constexpr continue crate default defer delete do double else enum export extends extern false final finally float fn for from func function go goto if impl implements import in int interface is let long loop match mod move mut namespace new nil null number of override package private protected pub public readonly ref return satisfies self short sizeof static string struct super switch template this throw trait true try type typedef typeof undefined union unsafe unsigned use using var virtual void volatile where while yield',
  ),
};
const HASHED: Family = {
  comment: '#.*',
  keywords: words(
    'and as assert async await begin break case class continue def del do done elif else elsif end ensure esac except export false False fi finally for from function global if import in is lambda local module nil None nonlocal not null or pass raise require rescue return self set then true True try unless until while with yield',
  ),
};
const DATA: Family = { comment: null, keywords: words('true false null') };
const SQL: Family = {
  comment: '--.*',
  keywords: words(
    'add all alter and as by case create delete desc distinct drop else end exists from group having in index insert into is join key left limit not null on or order primary references right select set table then union unique update values view when where with',
  ),
};
const PLAIN: Family = { comment: null, keywords: new Set() };

const FAMILIES: readonly (readonly [string, Family])[] = [
  ['c cc cpp cs css cjs cts go h hpp java js jsx kt less mjs mts php proto rs scala scss swift ts tsx zig', C_LIKE],
  ['bash conf dockerfile gitignore ini makefile mk pl py r rb sh toml yaml yml zsh', HASHED],
  ['json json5 jsonc lock', DATA],
  ['sql', SQL],
];
const byName = new Map(FAMILIES.flatMap(([names, family]) => names.split(' ').map((name) => [name, family] as const)));

/** By the end of the file's name, or the name itself. */
const familyOf = (path: string): Family => {
  const name = (path.split('/').at(-1) ?? '').toLowerCase();
  return byName.get(name.split('.').at(-1) ?? '') ?? PLAIN;
};

/** Longer lines are data; they stay plain. */
const LINE_MAX = 2_000;
const STRING = '"(?:[^"\\\\]|\\\\.)*"?|\'(?:[^\'\\\\]|\\\\.)*\'?|`(?:[^`\\\\]|\\\\.)*`?';
const NUMBER = '\\b(?:0[xXbBoO][\\da-fA-F_]+|\\d[\\d_]*(?:\\.\\d+)?(?:[eE][+-]?\\d+)?n?)\\b';
const WORD = '[A-Za-z_$][\\w$]*';

const patterns = new Map<Family, RegExp>();
const patternOf = (family: Family): RegExp => {
  const known = patterns.get(family);
  if (known !== undefined) return known;
  const comment = family.comment ?? '(?!)';
  const made = new RegExp(`(?<comment>${comment})|(?<string>${STRING})|(?<number>${NUMBER})|(?<word>${WORD})`, 'g');
  patterns.set(family, made);
  return made;
};

export function tokensOf(line: string, path: string): readonly Token[] {
  const family = familyOf(path);
  if (family === PLAIN || line.length > LINE_MAX) return [{ kind: 'plain', text: line }];
  const tokens: Token[] = [];
  const add = (kind: TokenKind, text: string): void => {
    const last = tokens.at(-1);
    if (text === '') return;
    if (last?.kind === kind) tokens[tokens.length - 1] = { kind, text: last.text + text };
    else tokens.push({ kind, text });
  };
  let from = 0;
  for (const match of line.matchAll(patternOf(family))) {
    add('plain', line.slice(from, match.index));
    add(kindOf(match, family), match[0]);
    from = match.index + match[0].length;
  }
  add('plain', line.slice(from));
  return tokens;
}

const kindOf = ({ groups, 0: text }: RegExpMatchArray, { keywords }: Family): TokenKind => {
  if (groups?.['comment'] !== undefined) return 'comment';
  if (groups?.['string'] !== undefined) return 'string';
  if (groups?.['number'] !== undefined) return 'number';
  return keywords.has(text) ? 'keyword' : 'plain';
};
