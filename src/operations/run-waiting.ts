/** Waits until something is settled, or begins. Facts, not time: it looks once, then at every commit. */
import { ConductorError } from '../machines/errors.ts';
import type { StoredActor } from '../persistence/store.ts';
import { contextOf, needActor, needsSupervisor, type HandlerContext } from './operation-context.ts';

/** @throws ConductorError `canceled` when the caller is gone; what it waits for goes on. */
export const whenSettled = (context: HandlerContext, id: string): Promise<StoredActor> =>
  when(context, id, (actor) => actor.facts.settled);

/** A task that does not wait to be started by name any more. @throws ConductorError `canceled` as above. */
export const whenUnqueued = (context: HandlerContext, taskId: string): Promise<StoredActor> =>
  when(context, taskId, (task) => contextOf(task, 'task').queuedAt === null);

const when = async (
  context: HandlerContext,
  id: string,
  isSo: (actor: StoredActor) => boolean,
): Promise<StoredActor> => {
  const { kernel, signal } = context;
  if (kernel === null) throw needsSupervisor();
  const gone = (): ConductorError =>
    new ConductorError('canceled', `waiting for ${id} was given up; it goes on: conductor show ${id}`, {
      details: { id },
    });
  if (signal.aborted) throw gone();
  return new Promise<StoredActor>((resolve, reject) => {
    const settle = (finish: () => void): void => {
      stop();
      signal.removeEventListener('abort', onAbort);
      finish();
    };
    const onAbort = (): void => {
      settle(() => {
        reject(gone());
      });
    };
    const look = (actor: StoredActor | undefined): void => {
      if (actor !== undefined && isSo(actor)) {
        settle(() => {
          resolve(actor);
        });
      }
    };
    const stop = kernel.subscribe(({ actors }) => {
      look(actors.find((actor) => actor.id === id));
    });
    signal.addEventListener('abort', onAbort);
    needActor(context, id).then(look, (error: unknown) => {
      settle(() => {
        reject(error as Error);
      });
    });
  });
};
