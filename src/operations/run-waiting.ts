/** Waits until something is settled. Facts, not time: it looks once, then at every commit. */
import { ConductorError } from '../machines/errors.ts';
import type { StoredActor } from '../persistence/store.ts';
import { needActor, needsSupervisor, type HandlerContext } from './operation-context.ts';

/** @throws ConductorError `canceled` when the caller is gone; what it waits for goes on. */
export const whenSettled = async (context: HandlerContext, id: string): Promise<StoredActor> => {
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
      if (actor?.facts.settled === true) {
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
