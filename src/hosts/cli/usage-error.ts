/** What was typed makes no sense: exit code 2. */
import { ConductorError } from '../../machines/errors.ts';

/** @param message ends with what to type instead. */
export const usageError = (message: string, details: Readonly<Record<string, unknown>> = {}): ConductorError =>
  new ConductorError('invalid_params', message, { details: { usage: true, ...details } });
