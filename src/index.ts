/**
 * Conductor as a library.
 *
 *     const conductor = await createConductor({ repo: '.' });
 *     const { details } = await conductor.call('conductor_create_objective', { title: 'Ship it' });
 *     for await (const entry of conductor.subscribe({ after: 0 })) console.log(entry.seq, entry.event.type);
 *     await conductor.stop();
 */
import { openConductor, type Conductor, type ConductorOptions } from './hosts/rpc/embedding.ts';

export { ConductorError, ERROR_CODES, isConductorError, type ErrorCode, type ErrorDetails } from './machines/errors.ts';
export type { Principal } from './machines/schema.ts';
export type { JournalEntry } from './persistence/store.ts';
export type { OperationDetails, OperationName, OperationParams } from './operations/catalogue.ts';
export type { OperationResult } from './operations/operation.ts';
export type { StopMode, SupervisorFacts } from './hosts/rpc/rpc-face.ts';
export type { Conductor, ConductorCallOptions, ConductorOptions, Stopped } from './hosts/rpc/embedding.ts';

/**
 * Connects to the supervisor of a repository, or becomes it.
 *
 * @throws ConductorError `not_a_repository`, `repository_empty`, `supervisor_unreachable` (mode `connect` without one, or one that is
 *   stopped), `owned_elsewhere` (mode `embedded` beside an owner), `refused` (inside a run of the same project).
 */
export const createConductor = (options: ConductorOptions): Promise<Conductor> =>
  openConductor(options, async (place) => {
    const { serveHere } = await import('./main/embed.ts');
    return serveHere(place);
  });
