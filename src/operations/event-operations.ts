/** The journal, page by page. */
import { Type } from 'typebox';
import { ConductorError } from '../machines/errors.ts';
import { anyId } from './moment-parameters.ts';
import { defineOperation, READERS, said } from './operation.ts';
import { closed, gateId, objectiveId, optional, pageParams, runId, taskId, workerId } from './parameter-schemas.ts';
import { EventItemSchema } from './read-models/item-schemas.ts';
import { eventLine, pageText } from './read-models/lines.ts';
import { listEvents } from './read-models/lists.ts';

export const listEventsOperation = defineOperation({
  name: 'conductor_list_events',
  title: 'List events',
  description:
    'What happened, oldest first after a cursor; tail gives the newest. The next page is what happens next: nextCursor is always there.',
  params: closed({
    afterSequence: optional(Type.Integer({ minimum: 0 }), 'Entries after this number; after beats it.'),
    type: optional(Type.String({ minLength: 1, maxLength: 64 }), 'The event, e.g. task.runEnded.'),
    objectiveId: optional(objectiveId, 'Everything in it.'),
    taskId: optional(taskId, 'Everything about it.'),
    runId: optional(runId, 'Everything about it.'),
    gateId: Type.Optional(gateId),
    workerId: Type.Optional(workerId),
    id: optional(anyId, 'What the machine of exactly this objective, task, worker, run or gate did.'),
    until: optional(Type.Integer({ minimum: 0 }), 'No entry after this number.'),
    tail: optional(Type.Boolean(), 'true: the newest entries instead of the first; with until, those that lead to it.'),
    ...pageParams,
  }),
  result: closed({ items: Type.Array(EventItemSchema), nextCursor: Type.String(), total: Type.Null() }),
  principals: READERS,
  mutates: false,
  handler: async (context, { gateId: gate, workerId: worker, id, ...filter }) => {
    const [actor, second] = [gate, worker, id].filter((given) => given !== undefined);
    if (second !== undefined) {
      throw new ConductorError('invalid_params', 'give one of id, gateId and workerId');
    }
    const page = await listEvents(context, { ...filter, actor });
    const text = page.items.length === 0 ? 'no events' : pageText({ ...page, nextCursor: null }, eventLine, 'events');
    return said(`${text}\nnext: after ${page.nextCursor}`, {
      items: page.items,
      nextCursor: page.nextCursor,
      total: null,
    });
  },
});

export const eventOperations = [listEventsOperation] as const;
