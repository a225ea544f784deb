/** Ids, times and texts that the cases share: fixed, valid, easy to tell apart. */
import {
  ID_SUFFIX_LENGTH,
  type ActorKind,
  type EpochMs,
  type GateId,
  type ObjectiveId,
  type RunId,
  type TaskId,
  type WorkerId,
} from '../../../src/machines/ids.ts';
import { COMMAND_SCHEMAS } from '../../../src/machines/commands.ts';
import { EFFECT_SCHEMAS } from '../../../src/machines/effects.ts';
import type { MachineCases } from '../graph/machine-cases.ts';

const sampleId = (kind: ActorKind, n: number): string => `${kind}-${String(n).padStart(ID_SUFFIX_LENGTH, '0')}`;
/** `run-00000000000000000001` for `sampleRun(1)`. */
export const sampleRun = (n: number): RunId => sampleId('run', n) as RunId;
export const sampleTask = (n: number): TaskId => sampleId('task', n) as TaskId;
export const sampleWorker = (n: number): WorkerId => sampleId('worker', n) as WorkerId;
export const sampleGate = (n: number): GateId => sampleId('gate', n) as GateId;
export const sampleObjective = (n: number): ObjectiveId => sampleId('objective', n) as ObjectiveId;

/** The time at which every sample actor is created; later times are this plus something. */
export const birth = 1_700_000_000_000 as EpochMs;
export const later = (ms: number): EpochMs => (birth + ms) as EpochMs;
export const commit = 'c'.repeat(40);
export const blob = 'b'.repeat(64);

export const kernelActionSchemas: MachineCases['actionSchemas'] = { ...COMMAND_SCHEMAS, ...EFFECT_SCHEMAS };

export const keyOf = (...parts: readonly unknown[]): string => JSON.stringify(parts);
