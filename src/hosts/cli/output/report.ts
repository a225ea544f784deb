/**
 * Where a command's words go.
 *
 * R1. With `--json` stdout carries exactly one JSON document (or one per line where a command streams); people read stderr.
 * R2. An error is `{"error": {code, message, retryable, details}}` on stdout with `--json`, else one message on stderr.
 */
import type { CliIo } from '../cli-io.ts';
import type { ConductorError } from '../../../machines/errors.ts';
import { styleFor, type Style } from './style.ts';

export type Report = {
  readonly json: boolean;
  /** For stdout. */
  readonly style: Style;
  /** Width that lines of stdout may have: the terminal's; Infinity where it is none. */
  readonly columns: number;
  /** The result: a document with `--json`, else the lines. Lines are made only when they are wanted. */
  result(value: unknown, lines: () => readonly string[]): void;
  /** One line of a stream of JSON documents. */
  item(value: unknown): void;
  /** A line for people: stdout, with `--json` stderr. */
  line(text: string): void;
  /** Progress and warnings: stderr always. */
  note(text: string): void;
  error(error: ConductorError): void;
};

export const reportTo = (io: CliIo, json: boolean): Report => {
  const { stdout, stderr, env } = io;
  const forPeople = json ? stderr : stdout;
  const style = styleFor(forPeople, env);
  const note = (text: string): void => stderr.write(`${text}\n`);
  return {
    json,
    style,
    columns: forPeople.isTerminal ? forPeople.columns : Infinity,
    result: (value, lines) => {
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
      else
        stdout.write(
          lines()
            .map((line) => `${line}\n`)
            .join(''),
        );
    },
    item: (value) => stdout.write(`${JSON.stringify(value)}\n`),
    line: (text) => forPeople.write(`${text}\n`),
    note,
    error: (error) => {
      if (json) stdout.write(`${JSON.stringify({ error: error.toJSON() })}\n`);
      else note(errorText(error));
    },
  };
};

/** A fault with a place stands as `file:line:col: …` at the beginning of the line, where editors look for it. */
const errorText = ({ message, details }: ConductorError): string =>
  Array.isArray(details['problems']) ? message : `conductor: ${message}`;
