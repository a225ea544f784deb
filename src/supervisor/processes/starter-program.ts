/**
 * The program that starts programs for a supervisor: small, so that a fork of it costs a fraction of a fork of the supervisor, and
 * beside its loop, which would stand still meanwhile.
 *
 * S1. What it is asked for is in the message, what came of it in the answer. All that it keeps is the input of programs that wait for
 *     theirs.
 * S2. It ends when its supervisor's channel closes, whatever closed it. What it has started goes on; inputs that were not given end
 *     empty.
 */
import type { ChildProcess } from 'node:child_process';
import { openProcessTable } from './open-process-table.ts';
import { runProgram, startStaying, type StayingProgram } from './program-run.ts';
import type { StarterAnswer, StarterRequest, StayingStart } from './process-starter.ts';

const table = openProcessTable();
const answer = (message: StarterAnswer): void => {
  // A channel that closes in this moment ends this process too (S2).
  process.send?.(message, undefined, undefined, () => undefined);
};

/** Programs that wait for their input, by pid. */
const waiting = new Map<number, ChildProcess>();

async function startWaiting(program: StayingProgram): Promise<StayingStart> {
  const started = await startStaying(program, (pid) => table.identify(pid), 'held');
  if ('error' in started) return started;
  const { child, identity } = started;
  waiting.set(identity.pid, child);
  child.once('exit', () => waiting.delete(identity.pid));
  // Whoever is gone does not take its input; the exit says so.
  child.stdin!.on('error', () => undefined);
  return { identity };
}

/** Once: what is written is the whole input. */
function give(pid: number, input: string): boolean {
  const child = waiting.get(pid);
  if (child === undefined) return false;
  waiting.delete(pid);
  child.stdin!.end(input);
  return true;
}

async function carryOut(request: StarterRequest): Promise<StarterAnswer> {
  const { id } = request;
  try {
    if (request.kind === 'run') return { id, kind: 'ended', end: await runProgram(request.call) };
    if (request.kind === 'give') return { id, kind: 'given', taken: give(request.pid, request.input) };
    if (request.kind === 'startWaiting') return { id, kind: 'started', started: await startWaiting(request.program) };
    const started = await startStaying(request.program, (pid) => table.identify(pid));
    return { id, kind: 'started', started: 'error' in started ? started : { identity: started.identity } };
  } catch (error) {
    return { id, kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

process.on('message', (request: StarterRequest) => void carryOut(request).then(answer));
process.on('disconnect', () => process.exit(0));
answer({ id: 0, kind: 'ready' });
