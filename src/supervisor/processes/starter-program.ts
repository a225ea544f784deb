/**
 * The program that starts programs for a supervisor: small, so that a fork of it costs a fraction of a fork of the supervisor, and
 * beside its loop, which would stand still meanwhile.
 *
 * S1. It has no state: what it is asked for is in the message, what came of it in the answer.
 * S2. It ends when its supervisor's channel closes, whatever closed it. What it has started goes on.
 */
import { openProcessTable } from './open-process-table.ts';
import { runProgram, startStaying } from './program-run.ts';
import type { StarterAnswer, StarterRequest } from './process-starter.ts';

const table = openProcessTable();
const answer = (message: StarterAnswer): void => {
  // A channel that closes in this moment ends this process too (S2).
  process.send?.(message, undefined, undefined, () => undefined);
};

async function carryOut(request: StarterRequest): Promise<StarterAnswer> {
  const { id } = request;
  try {
    if (request.kind === 'run') return { id, kind: 'ended', end: await runProgram(request.call) };
    const started = await startStaying(request.program, (pid) => table.identify(pid));
    return { id, kind: 'started', started };
  } catch (error) {
    return { id, kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (request: StarterRequest) => void carryOut(request).then(answer));
process.on('disconnect', () => process.exit(0));
answer({ id: 0, kind: 'ready' });
