/** Gathers what must not be seen: values of granted and secret variables, contents of secret files, the run's own token. */
import { readFileSync, statSync } from 'node:fs';
import type { RunnerContract } from '../../supervisor/runners/contract.ts';
import { SECRET_ALLOWED_NAMES } from '../../supervisor/runners/environment.ts';
import { SECRET_BYTES_MAX, SecretSet } from '../../supervisor/runners/redaction.ts';

/**
 * The values of granted and secret variables that the run was started with: what a supervisor that began later does not know. None when
 * they are more than can be redacted; nothing runs then.
 */
export const secretValues = (
  contract: RunnerContract,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] => {
  const names = [...contract.secretNames, ...SECRET_ALLOWED_NAMES];
  const values = [...new Set(names.map((name) => env[name] ?? ''))].filter((value) => value !== '');
  return Buffer.byteLength(values.join('')) > SECRET_BYTES_MAX ? [] : values;
};

/** @throws RangeError when there is more than can be redacted; an Error when a secret file is there but cannot be read. */
export const gatherSecrets = (
  contract: RunnerContract,
  env: Readonly<Record<string, string | undefined>>,
): SecretSet => {
  const names = new Set([...contract.secretNames, ...SECRET_ALLOWED_NAMES]);
  const values = [...names].map((name) => env[name] ?? '');
  return new SecretSet([...values, contract.token, ...contract.secretFiles.map(contentOf)]);
};

const contentOf = (path: string): string => {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  // Not read at all: SecretSet would refuse it, and a file of gigabytes must not be loaded to find that out.
  if (size > SECRET_BYTES_MAX)
    throw new RangeError(`secret file ${path} has ${String(size)} bytes, too many to be redacted`);
  return size === 0 ? '' : readFileSync(path, 'utf8').trim();
};
