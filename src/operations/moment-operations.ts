/** One machine at any moment: what it was, and why it would take an event or not. */
import { Type } from 'typebox';
import { anyId, EVENT_MAX, momentSeq } from './moment-parameters.ts';
import { defineOperation, READERS, said } from './operation.ts';
import { closed, optional } from './parameter-schemas.ts';
import { explainEvent, ExplanationSchema } from './read-models/explain-event.ts';
import { eventLine } from './read-models/lines.ts';
import { momentOf, MomentSchema, presentAt } from './read-models/moment.ts';

/** Fields of an event that is asked about; none has as many. */
const FIELDS_MAX = 64;

export const getSnapshot = defineOperation({
  name: 'conductor_get_snapshot',
  title: 'Show a machine at a moment',
  description:
    'The snapshot of an objective, task, worker, run or gate after an entry of the journal: its states, what it remembers and what ' +
    'it remembered before, its last entry, and the transitions that an event may take from there.',
  params: closed({ id: anyId, seq: momentSeq }),
  result: MomentSchema,
  principals: READERS,
  mutates: false,
  handler: async ({ reader, clock }, { id, seq }) => {
    const moment = await momentOf(reader, await presentAt(reader, id, seq), clock.now());
    const states = moment.active.slice(1).join(', ');
    const last = moment.last === null ? '' : `\nlast: ${eventLine(moment.last)}`;
    const next = moment.enabled.length === 0 ? 'it takes no event' : moment.enabled.join('\n  ');
    return said(`${id} in ${states} after entry ${String(moment.seq)}${last}\nnext:\n  ${next}`, moment);
  },
});

export const explainEventOperation = defineOperation({
  name: 'conductor_explain_event',
  title: 'Say why an event is taken or not',
  description:
    'Whether an objective, task, worker, run or gate would take this event now or after an entry of the journal, and which state or ' +
    'guard stands in the way. Nothing happens. Guards that need fields of the event are asked when payload has them.',
  params: closed({
    id: anyId,
    event: Type.String({ minLength: 1, maxLength: EVENT_MAX, description: 'Its name, e.g. run.cancel.' }),
    seq: momentSeq,
    payload: optional(
      Type.Record(Type.String({ pattern: '^[a-zA-Z]{1,64}$' }), Type.Unknown(), {
        maxProperties: FIELDS_MAX,
        additionalProperties: false,
      }),
      'Fields of the event, as many as are known. Without `at` it is the time of the moment.',
    ),
  }),
  result: ExplanationSchema,
  principals: READERS,
  mutates: false,
  handler: async ({ reader, clock }, { id, event, seq, payload }) => {
    const explanation = explainEvent(await presentAt(reader, id, seq), { event, payload }, clock.now());
    return said(explanation.text, explanation);
  },
});

export const momentOperations = [getSnapshot, explainEventOperation] as const;
