/** Parameters of operations that show a moment: which one, and of whom. */
import { Type } from 'typebox';
import { ACTOR_KINDS, idPattern } from '../machines/ids.ts';
import { optional } from './parameter-schemas.ts';

/** Characters of an event's name. */
export const EVENT_MAX = 64;

export const momentSeq = optional(
  Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  'The moment: as it was after this entry of the journal. Default, and beyond the last one: now.',
);

/** Whatever has a machine. */
export const anyId = Type.String({
  pattern: ACTOR_KINDS.map(idPattern).join('|'),
  patternSays: 'be the id of an objective, task, worker, run or gate',
});
