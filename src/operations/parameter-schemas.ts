/** Parameters that many operations share: ids, pages, reasons. */
import { Type, type TSchema } from 'typebox';
import { idPattern, type ActorKind } from '../machines/ids.ts';
import { LINE_MAX } from '../machines/schema.ts';
import { CURSOR_CHARS_MAX } from './read-models/cursor.ts';
import { PAGE_DEFAULT, PAGE_MAX } from './read-models/lists.ts';

/** An object with exactly these parameters. */
export const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });

export const described = <S extends TSchema>(schema: S, description: string): S => ({ ...schema, description });
export const optional = <S extends TSchema>(schema: S, description: string) =>
  Type.Optional(described(schema, description));

const idOf = (kind: ActorKind | 'artifact') =>
  Type.String({ pattern: idPattern(kind), patternSays: `be a ${kind} id: ${kind}- and 20 characters` });
export const objectiveId = idOf('objective');
export const taskId = idOf('task');
export const workerId = idOf('worker');
export const runId = idOf('run');
export const gateId = idOf('gate');
export const artifactId = idOf('artifact');

export const oneOf = <const Name extends string>(names: readonly Name[]) =>
  Type.Unsafe<Name>(Type.String({ enum: [...names] }));

export const reason = Type.String({ minLength: 1, maxLength: LINE_MAX });
export const nullable = <S extends TSchema>(schema: S) => Type.Union([schema, Type.Null()]);
export const maybeText = nullable(Type.String());

export const pageParams = {
  limit: optional(
    Type.Integer({ minimum: 1, maximum: PAGE_MAX }),
    `Items of this page. Default: ${String(PAGE_DEFAULT)}.`,
  ),
  after: optional(Type.String({ minLength: 1, maxLength: CURSOR_CHARS_MAX }), 'nextCursor of the page before.'),
};

export const OBJECTIVE_STATES = ['draft', 'active', 'blocked', 'needs_review', 'completed', 'canceled'] as const;
export const TASK_STATES = [
  'draft',
  'ready',
  'assigned',
  'running',
  'needs_review',
  'blocked',
  'completed',
  'failed',
  'canceled',
] as const;
export const WORKER_STATES = ['creating', 'idle', 'busy', 'broken', 'recovering', 'cleaning', 'archived'] as const;
export const GATE_STATES = ['open', 'approved', 'used', 'rejected', 'canceled', 'expired'] as const;
export const RUN_STATES = [
  'dispatch_pending',
  'queued',
  'starting',
  'running',
  'waiting_input',
  'verifying',
  'completing',
  'succeeded',
  'partial',
  'blocked',
  'failed',
  'aborted',
  'stale',
  'interrupted',
  'unknown_dispatch',
] as const;
