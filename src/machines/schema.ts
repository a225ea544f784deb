/** Building blocks of the machines' schemas: ids, units, bounded texts, event objects. */
import { Type, type TProperties } from 'typebox';
import {
  idPattern,
  type EpochMs,
  type GateId,
  type LeaseEpoch,
  type ObjectiveId,
  type RunId,
  type TaskId,
  type WorkerId,
} from './ids.ts';

/** Longest text inside a message, in characters. What is longer becomes an artifact first. */
export const TEXT_MAX = 16_384;
/** Longest one-line text (titles, reasons, summaries shown in lists). */
export const LINE_MAX = 1_000;

export const ObjectiveIdSchema = Type.Unsafe<ObjectiveId>(Type.String({ pattern: idPattern('objective') }));
export const TaskIdSchema = Type.Unsafe<TaskId>(Type.String({ pattern: idPattern('task') }));
export const WorkerIdSchema = Type.Unsafe<WorkerId>(Type.String({ pattern: idPattern('worker') }));
export const RunIdSchema = Type.Unsafe<RunId>(Type.String({ pattern: idPattern('run') }));
export const GateIdSchema = Type.Unsafe<GateId>(Type.String({ pattern: idPattern('gate') }));
export const EpochMsSchema = Type.Unsafe<EpochMs>(Type.Integer({ minimum: 0 }));
export const LeaseEpochSchema = Type.Unsafe<LeaseEpoch>(Type.Integer({ minimum: 1 }));
export const CountSchema = Type.Integer({ minimum: 0 });
export const TextSchema = Type.String({ maxLength: TEXT_MAX });
export const LineSchema = Type.String({ maxLength: LINE_MAX });
/** A SHA-256 in lower-case hex: the address of a stored blob. */
export const BlobHashSchema = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** A git object name, SHA-1 or SHA-256. */
export const CommitSchema = Type.String({ pattern: '^[0-9a-f]{40}([0-9a-f]{24})?$' });

export const PrincipalSchema = Type.Union([
  Type.Literal('human'),
  Type.Literal('parent_agent'),
  Type.Literal('child_run'),
  Type.Literal('system'),
]);
/** Who asks. The host's channel decides it; no caller can claim it. */
export type Principal = 'human' | 'parent_agent' | 'child_run' | 'system';

/** `schema | null`. Contexts use null rather than absent fields. */
export const nullable = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) =>
  Type.Union([schema, Type.Null()]);

/** An event: `type` and exactly these fields. Every event carries `at`, the time outside when it was sent. */
export const eventSchema = <Name extends string, Fields extends TProperties>(type: Name, fields: Fields) =>
  Type.Object({ type: Type.Literal(type), at: EpochMsSchema, ...fields }, { additionalProperties: false });

/** An object with exactly these fields. */
export const closed = <Fields extends TProperties>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });
