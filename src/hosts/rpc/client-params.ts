/** Judges what a client sends, before anything is done with it. Small by hand: these shapes are the wire's, not an operation's. */
import { ConductorError } from '../../machines/errors.ts';
import type { CallParams, ChallengeAnswer } from './wire.ts';

/** Variables a client may send with one call, and the bytes of all their names and values. */
const ENV_NAMES_MAX = 256;
const ENV_BYTES_MAX = 262_144;
const TEXT_LENGTH_MAX = 256;

export type Fields = Readonly<Record<string, unknown>>;

/** @throws invalid_params naming the field. */
export const callParams = (fields: Fields): CallParams => ({
  operation: textField(fields, 'operation'),
  params: fields['params'] ?? {},
  requestId: fields['requestId'] == null ? null : textField(fields, 'requestId'),
  env: environment(fields['env'] ?? {}),
  challenge: fields['challenge'] == null ? null : challengeAnswer(fieldsOf(fields['challenge'])),
});

const challengeAnswer = (fields: Fields): ChallengeAnswer => ({
  nonce: textField(fields, 'nonce'),
  gateId: textField(fields, 'gateId'),
  typed: textField(fields, 'typed'),
});

const environment = (value: unknown): Readonly<Record<string, string>> => {
  const entries = Object.entries(fieldsOf(value));
  if (!entries.every(([, each]) => typeof each === 'string')) throw invalid('env must hold strings only');
  const bytes = entries.reduce((sum, [name, each]) => sum + name.length + Buffer.byteLength(each as string), 0);
  if (entries.length > ENV_NAMES_MAX || bytes > ENV_BYTES_MAX) {
    throw invalid(`env may hold ${String(ENV_NAMES_MAX)} variables and ${String(ENV_BYTES_MAX)} bytes`);
  }
  return Object.fromEntries(entries) as Record<string, string>;
};

/** @throws invalid_params when it is no object. */
export const fieldsOf = (value: unknown): Fields => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw invalid('parameters must be an object');
};

/** @throws invalid_params when the field is not a text of 1 to TEXT_LENGTH_MAX characters. */
export const textField = (fields: Fields, name: string): string => {
  const value = fields[name];
  if (typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH_MAX) return value;
  throw invalid(`${name} must be a text of 1 to ${String(TEXT_LENGTH_MAX)} characters`);
};

/** @throws invalid_params when the field is not a whole number of 0 or more. */
export const wholeNumber = (fields: Fields, name: string): number => {
  const value = fields[name];
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw invalid(`${name} must be a whole number, 0 or more`);
};

/** What is wrong with the parameters, as an error. */
export const invalid = (message: string): ConductorError => new ConductorError('invalid_params', message);
