/** Reads the runner's contract and says what is wrong with it before anything else happens. */
import { readFileSync } from 'node:fs';
import { ConductorError } from '../../machines/errors.ts';
import type { RunnerContract } from '../../supervisor/runners/contract.ts';

const TEXTS = [
  'projectKey',
  'runId',
  'taskId',
  'token',
  'cookie',
  'home',
  'repoRoot',
  'runDirectory',
  'worktreePath',
  'supervisorFile',
  'socketPath',
  'artifactsDirectory',
  'version',
] as const;
const NUMBERS = ['epoch', 'setupMs', 'timeoutMs', 'idleMs', 'logBytesMax', 'heartbeatMs'] as const;
const LISTS = ['setup', 'secretNames', 'secretFiles'] as const;
/** sun_path of macOS with its end; Linux has four more. */
const SOCKET_BYTES_MAX = 103;

/** @throws invalid_params with the field's name. */
export const readContract = (path: string): RunnerContract => {
  let contract: Partial<RunnerContract> | null;
  try {
    contract = JSON.parse(readFileSync(path, 'utf8')) as Partial<RunnerContract> | null;
  } catch (cause) {
    throw new ConductorError('invalid_params', `the contract ${path} cannot be read`, { cause });
  }
  const wrong = wrongField(contract ?? {});
  if (wrong !== null) throw new ConductorError('invalid_params', `the contract ${path} has no usable ${wrong}`);
  return contract as RunnerContract;
};

const wrongField = (contract: Partial<RunnerContract>): string | null => {
  if (contract.schemaVersion !== 1) return 'schemaVersion';
  const text = TEXTS.find((field) => typeof contract[field] !== 'string' || contract[field] === '');
  const number = NUMBERS.find((field) => !(Number.isFinite(contract[field]) && contract[field]! >= 0));
  const list = LISTS.find((field) => !Array.isArray(contract[field]));
  if (Buffer.byteLength(contract.socketPath ?? '') > SOCKET_BYTES_MAX) return 'socketPath: it is too long';
  return text ?? number ?? list ?? null;
};
