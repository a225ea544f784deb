/** Judges what a child sends before anything is done with it: every field, every length. Pure. */
import { ConductorError } from '../../machines/errors.ts';
import type { ReportBody, ShownFile } from '../../supervisor/runners/protocol.ts';

/** The longest text a message may carry anywhere in the system, in characters (src/machines/schema.ts). */
const TEXT_MAX = 16_384;
const TITLE_MAX = 200;
const KEY_MAX = 200;
const ARGUMENTS_MAX = 256;
const FILES_MAX = 64;
/** 24 days: what setTimeout can hold. */
const WAIT_MS_MAX = 2_147_483_647;

export type ChildBody = Extract<ReportBody, { kind: `child.${string}` }>;
export type ChildMessage = {
  readonly cookie: string;
  /** Without artifacts: those come from `files`. */
  readonly body: ChildBody;
  readonly files: readonly ShownFile[];
  readonly waitMs: number | null;
};

type Fields = Readonly<Record<string, unknown>>;

/** @throws invalid_params, too_large; the message names the field. */
export const parseChildMessage = (params: unknown): ChildMessage => {
  const message = fieldsOf(params, 'params');
  const body = fieldsOf(message['body'], 'body');
  const files = message['files'] ?? [];
  if (!Array.isArray(files) || files.length > FILES_MAX)
    throw invalid('files', `a list of at most ${String(FILES_MAX)}`);
  return {
    cookie: textOf(message, 'cookie', 1_024),
    body: bodyOf(body),
    files: files.map((file) => fileOf(fieldsOf(file, 'files'))),
    waitMs: waitOf(message['waitMs']),
  };
};

const bodyOf = (body: Fields): ChildBody => {
  switch (body['kind']) {
    case 'child.progress':
      return { kind: 'child.progress', text: textOf(body, 'text', TEXT_MAX), key: keyOf(body), artifacts: [] };
    case 'child.complete':
      return {
        kind: 'child.complete',
        status: wordOf(body, 'status', ['succeeded', 'partial', 'blocked', 'failed', 'aborted'] as const),
        summary: textOf(body, 'summary', TEXT_MAX),
        key: keyOf(body),
        artifacts: [],
      };
    case 'child.gate':
      return {
        kind: 'child.gate',
        gateType: wordOf(body, 'gateType', ['needs_input', 'needs_review'] as const),
        ask: textOf(body, 'ask', TEXT_MAX),
        wait: body['wait'] === true,
      };
    case 'child.followup':
      return {
        kind: 'child.followup',
        title: textOf(body, 'title', TITLE_MAX),
        command: wordsOf(body),
        key: keyOf(body),
      };
    default:
      throw invalid('body.kind', 'one of child.progress, child.gate, child.followup, child.complete');
  }
};

const fileOf = (file: Fields): ShownFile => {
  const type = textOf(file, 'type', 64);
  if (!/^[A-Za-z0-9_.-]+$/.test(type)) throw invalid('files.type', 'letters, digits, _ . -');
  return { type, path: textOf(file, 'path', 4_096) };
};

const keyOf = (body: Fields): string | null => {
  const key = body['key'] ?? null;
  return key === null ? null : textOf(body, 'key', KEY_MAX);
};

const wordsOf = (body: Fields): readonly string[] => {
  const words = body['command'];
  const fits = Array.isArray(words) && words.length > 0 && words.length <= ARGUMENTS_MAX;
  if (!fits || !words.every((word) => typeof word === 'string' && !word.includes('\0'))) {
    throw invalid('body.command', `1 to ${String(ARGUMENTS_MAX)} words`);
  }
  if (words.join(' ').length > TEXT_MAX) throw long('body.command', words.join(' ').length, TEXT_MAX);
  return words as readonly string[];
};

const waitOf = (value: unknown): number | null => {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'number' || !(value >= 0) || value > WAIT_MS_MAX) {
    throw invalid('waitMs', `null, or 0 to ${String(WAIT_MS_MAX)}`);
  }
  return value;
};

const wordOf = <Word extends string>(fields: Fields, name: string, words: readonly Word[]): Word => {
  const word = words.find((candidate) => candidate === fields[name]);
  if (word === undefined) throw invalid(name, `one of ${words.join(', ')}`);
  return word;
};

const textOf = (fields: Fields, name: string, max: number): string => {
  const text = fields[name];
  if (typeof text !== 'string' || text.trim() === '') throw invalid(name, 'a text that is not empty');
  if (text.length > max) throw long(name, text.length, max);
  return text;
};

const fieldsOf = (value: unknown, name: string): Fields => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(name, 'an object');
  return value as Fields;
};

const invalid = (name: string, wanted: string): ConductorError =>
  new ConductorError('invalid_params', `${name} must be ${wanted}`);

const long = (name: string, length: number, max: number): ConductorError =>
  new ConductorError(
    'too_large',
    `${name} has ${String(length)} characters, at most ${String(max)} fit; show a file instead`,
  );
