/**
 * Runs the simulation: `npm run simulate -- [--seed N] [--events M] [--episode K] [--complete] [--json]`. Exit 1 when an invariant
 * broke, or with `--complete` when a kind of trouble or an end of a run never happened; 2 for wrong arguments. What it simulates
 * stands at the head of test/simulation/world.ts.
 */
import { parseArgs } from 'node:util';
import { describeFailure, simulate, type Simulation } from '../test/simulation/summary.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    events: { type: 'string', default: '200000' },
    episode: { type: 'string' },
    complete: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const events = Number(values.events);
const episode = values.episode === undefined ? undefined : Number(values.episode);
if (!Number.isInteger(events) || events < 1 || (episode !== undefined && !Number.isInteger(episode))) {
  console.error('usage: npm run simulate -- [--seed N] [--events M] [--episode K] [--complete] [--json]');
  process.exit(2);
}

/** Counts, most frequent first, a few to a line. */
const table = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .toSorted(([, a], [, b]) => b - a)
    .map(([name, count]) => `  ${String(count).padStart(8)}  ${name}`)
    .join('\n');

const text = (simulation: Simulation, seconds: number): string =>
  [
    `${String(simulation.events)} events in ${String(simulation.episodes)} episodes, ${seconds.toFixed(1)} s, ` +
      `${String(Math.round(simulation.events / seconds))} events/s`,
    `seed ${simulation.seed}, hash ${simulation.hash}`,
    'faults:',
    table(simulation.faults),
    `  never: ${simulation.faultsMissing.join(', ') || 'none'}`,
    'ends of runs:',
    table(simulation.ends),
    `  never: ${simulation.endsMissing.join(', ') || 'none'}`,
    simulation.failure === null ? 'every invariant held' : describeFailure(simulation),
  ].join('\n');

const began = performance.now();
const simulation = await simulate({ seed: values.seed, events, ...(episode === undefined ? {} : { episode }) });
const seconds = (performance.now() - began) / 1_000;
if (values.json) {
  const { failure, ...facts } = simulation;
  console.log(JSON.stringify({ ...facts, seconds, failure: failure === null ? null : failure.result.violation }));
} else console.log(text(simulation, seconds));
const missing = values.complete ? [...simulation.faultsMissing, ...simulation.endsMissing] : [];
if (missing.length > 0) console.error(`never happened, and must: ${missing.join(', ')}`);
process.exitCode = simulation.failure === null && missing.length === 0 ? 0 : 1;
