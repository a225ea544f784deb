/** A whole simulation: episodes in a row, what happened in them together, and how a failure is shown. */
import { createHash } from 'node:crypto';
import { END_REASONS } from '../../src/machines/run/ends.ts';
import { runEpisode, type EpisodeResult } from './episode.ts';
import { FAULT_KINDS } from './faults.ts';

/** Events with trouble of one episode. Longer ones find little more, and their memory grows. */
export const EPISODE_EVENTS = 20_000;

export type Simulation = {
  readonly seed: string;
  readonly events: number;
  readonly episodes: number;
  readonly hash: string;
  readonly faults: Readonly<Record<string, number>>;
  readonly ends: Readonly<Record<string, number>>;
  readonly faultsMissing: readonly string[];
  readonly endsMissing: readonly string[];
  readonly failure: { readonly episode: number; readonly result: EpisodeResult } | null;
};

/** @param options.episode Only this one. */
export async function simulate(options: {
  readonly seed: string;
  readonly events: number;
  readonly episode?: number;
  readonly onEpisode?: (episode: number, events: number) => void;
}): Promise<Simulation> {
  const faults: Record<string, number> = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, 0]));
  const ends: Record<string, number> = Object.fromEntries(END_REASONS.map((reason) => [reason, 0]));
  const hash = createHash('sha256');
  let [events, episodes] = [0, 0];
  let failure: Simulation['failure'] = null;
  for (let episode = options.episode ?? 1; failure === null && events < options.events; episode += 1) {
    const length = Math.min(EPISODE_EVENTS, options.events - events);
    const result = await runEpisode(`${options.seed}/${String(episode)}`, length);
    events += result.events;
    episodes += 1;
    hash.update(result.hash);
    for (const [kind, count] of result.faults) faults[kind] = (faults[kind] ?? 0) + count;
    for (const [reason, count] of result.ends) ends[reason] = (ends[reason] ?? 0) + count;
    if (result.violation !== null) failure = { episode, result };
    options.onEpisode?.(episode, events);
    if (options.episode !== undefined) break;
  }
  return {
    seed: options.seed,
    events,
    episodes,
    hash: hash.digest('hex'),
    faults,
    ends,
    faultsMissing: missing(faults),
    endsMissing: missing(ends),
    failure,
  };
}

const missing = (counts: Readonly<Record<string, number>>): readonly string[] =>
  Object.keys(counts).filter((key) => counts[key] === 0);

/** What a person needs to find the cause. */
export function describeFailure(simulation: Simulation): string {
  const { failure, seed } = simulation;
  if (failure?.result.violation == null) return '';
  const { invariant, entity, detail, event, entries } = failure.result.violation;
  return [
    `BROKEN: ${invariant}`,
    `  ${entity}: ${detail}`,
    `  at event ${String(event)} of episode ${String(failure.episode)}`,
    ...entries.map((text) => `  ${shorten(text)}`),
    `replay: npm run simulate -- --seed ${seed} --events ${String(EPISODE_EVENTS)} --episode ${String(failure.episode)}`,
  ].join('\n');
}

function shorten(text: string): string {
  const { seq, at, kind, event, from, to, reason } = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify({ seq, at, kind, from, to, reason, event }).slice(0, 400);
}
