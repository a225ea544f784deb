/**
 * Colours and symbols of states. A state never shows by colour alone.
 *
 * Colours are for terminals; `NO_COLOR` and `TERM=dumb` turn them off. Symbols are plain ASCII where the locale is not UTF-8.
 */
import type { CliIo, CliOutput } from '../cli-io.ts';

export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'faint' | 'strong' | 'normal';
export type Style = { readonly paint: (tone: Tone, text: string) => string; readonly unicode: boolean };

/** SGR parameters (ECMA-48 §8.3.117): 16-colour codes, which every terminal maps to its own palette. */
const codes: Readonly<Record<Tone, string>> = {
  good: '32',
  bad: '31',
  warn: '33',
  busy: '36',
  faint: '2',
  strong: '1',
  normal: '',
};

/** How to write on this output. */
export const styleFor = (output: CliOutput, env: CliIo['env']): Style => {
  const colours = output.isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    unicode: /utf-?8/i.test(locale),
    paint: (tone, text) =>
      colours && codes[tone] !== '' && text !== '' ? `\u001b[${codes[tone]}m${text}\u001b[0m` : text,
  };
};

type Mark = { readonly tone: Tone; readonly symbol: string; readonly ascii: string };
const mark = (tone: Tone, symbol: string, ascii: string): Mark => ({ tone, symbol, ascii });
const busy = mark('busy', '▶', '>');
const waiting = mark('faint', '○', '.');
const good = mark('good', '✓', '+');
const bad = mark('bad', '✗', 'x');
const person = mark('warn', '?', '?');
const gone = mark('faint', '–', '-');

const marks: Readonly<Record<string, Mark>> = {
  running: busy,
  starting: busy,
  verifying: busy,
  completing: busy,
  creating: busy,
  recovering: busy,
  cleaning: busy,
  busy,
  active: busy,
  completed: good,
  succeeded: good,
  approved: good,
  used: good,
  failed: bad,
  stale: bad,
  broken: bad,
  rejected: bad,
  unknown_dispatch: bad,
  needs_review: person,
  waiting_input: person,
  asks: person,
  partial: person,
  open: person,
  blocked: mark('warn', '!', '!'),
  canceled: gone,
  aborted: gone,
  interrupted: gone,
  archived: gone,
  expired: gone,
};

/** Symbol and tone of a state; a waiting state's for what is not listed. */
export const stateMark = (state: string, { unicode }: Style): { readonly tone: Tone; readonly symbol: string } => {
  const { tone, symbol, ascii } = marks[state] ?? waiting;
  return { tone, symbol: unicode ? symbol : ascii };
};
