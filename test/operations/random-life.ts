/** Deeds that a life of a project is made of. What is not possible where it stands is refused, and changes nothing. */
import { isConductorError } from '../../src/machines/errors.ts';
import type { EpochMs } from '../../src/machines/ids.ts';
import { join } from 'node:path';
import { archiveSubject } from '../../src/supervisor/archive-subject.ts';
import { PLAN, type Project } from './operation-fixture.ts';

type Kind = 'task' | 'objective' | 'gate';
/** `directory` takes archives; `picked` is one of a kind, by the deed's number. */
type Life = { readonly of: Project; readonly directory: string; readonly picked: (kind: Kind) => Promise<string> };

const DIAMOND = {
  objective: 'Build it',
  tasks: [
    { id: 'top', run: 'x' },
    { id: 'left', run: 'x', dependsOn: ['top'] },
    { id: 'right', run: 'x', dependsOn: ['top'], retries: 1 },
    { id: 'bottom', run: 'x', dependsOn: ['left', 'right'] },
  ],
};

const askFor = async ({ of }: Life, refs: object): Promise<unknown> =>
  of.call('conductor_create_gate', { type: 'approval_required', requestedDecision: 'may I?', ...refs });

const archive = async ({ of, directory, picked }: Life): Promise<void> => {
  for (const { key } of await of.store.listOutbox()) {
    await of.kernel.post({ messages: [], principal: 'system', effectDone: key });
  }
  const now = of.clock.now();
  const subjectId = await picked('objective');
  const settledBefore = (now + 1) as EpochMs;
  const artifacts = join(directory, 'artifacts');
  const outcome = await archiveSubject({ store: of.store, directory, artifacts, subjectId, now, settledBefore });
  if (outcome.kind === 'archived') of.kernel.forget(outcome.actors);
};

const DEEDS_TABLE = {
  plan: async ({ of }: Life) => of.call('conductor_run_plan', { plan: PLAN }),
  diamond: async ({ of }: Life) => of.call('conductor_run_plan', { plan: DIAMOND }),
  loose: async ({ of }: Life) => of.call('conductor_create_task', { title: 'loose', run: 'x' }),
  start: async ({ of, picked }: Life) => of.start(await picked('task')),
  succeeded: async ({ of, picked }: Life) => of.runTo(await picked('task'), 'succeeded'),
  partial: async ({ of, picked }: Life) => of.runTo(await picked('task'), 'partial'),
  failed: async ({ of, picked }: Life) => of.runTo(await picked('task'), 'failed'),
  red: async ({ of, picked }: Life) => of.runTo(await picked('task'), 'red'),
  gate: async (life: Life) => askFor(life, { resourceRefs: { objectiveId: await life.picked('objective') } }),
  looseGate: async (life: Life) => askFor(life, {}),
  resolve: async ({ of, picked }: Life) =>
    of.call('conductor_resolve_gate', { gateId: await picked('gate'), status: 'rejected', resolutionReason: 'no' }),
  retry: async ({ of, picked }: Life) => of.call('conductor_retry_task', { taskId: await picked('task') }),
  accept: async ({ of, picked }: Life) =>
    of.call('conductor_accept_task', { taskId: await picked('task'), reason: 'fine' }),
  cancelTask: async ({ of, picked }: Life) => of.call('conductor_cancel_task', { taskId: await picked('task') }),
  cancelObjective: async ({ of, picked }: Life) =>
    of.call('conductor_cancel_objective', { objectiveId: await picked('objective') }),
  archive,
} as const;

export type Deed = { readonly what: keyof typeof DEEDS_TABLE; readonly pick: number };
export const DEEDS = Object.keys(DEEDS_TABLE) as readonly Deed['what'][];

export const carryOut = async (of: Project, directory: string, { what, pick }: Deed): Promise<void> => {
  const picked = async (kind: Kind): Promise<string> => {
    const all = await of.store.listActorIds({ kind, limit: 1_000, order: 'oldest' });
    return all[pick % all.length] ?? `${kind}-${'0'.repeat(20)}`;
  };
  try {
    await DEEDS_TABLE[what]({ of, directory, picked });
  } catch (error) {
    // The fixture says so of a message that a run did not take.
    if (!isConductorError(error) && !/^[\w.]+ to run-/.test((error as Error).message)) throw error;
  }
};
