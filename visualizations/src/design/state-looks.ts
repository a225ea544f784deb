/**
 * How each state of each kind of thing looks: a tone (colour) and a shape, so that neither colour alone nor shape alone is needed.
 *
 * Pure data; the colours are in tokens.css, the shapes in state-icon.tsx.
 */

export const TONES = ['idle', 'active', 'waits', 'good', 'bad', 'blocked', 'warn', 'off'] as const;
export type Tone = (typeof TONES)[number];

export type Shape =
  | 'circle'
  | 'dots'
  | 'clock'
  | 'play'
  | 'check'
  | 'cross'
  | 'bang'
  | 'bar'
  | 'dash'
  | 'half'
  | 'bolt'
  | 'query'
  | 'dashed';

export type StateLook = { readonly tone: Tone; readonly shape: Shape; readonly label: string };

const LOOKS: Readonly<Record<string, readonly [Tone, Shape]>> = {
  // What is not begun.
  created: ['idle', 'dashed'],
  draft: ['idle', 'dashed'],
  waiting: ['idle', 'dots'],
  delayed: ['idle', 'clock'],
  ready: ['idle', 'circle'],
  assigned: ['idle', 'circle'],
  dispatch_pending: ['idle', 'dots'],
  queued: ['idle', 'dots'],
  idle: ['idle', 'circle'],
  // What is under way.
  creating: ['active', 'dots'],
  starting: ['active', 'dots'],
  running: ['active', 'play'],
  active: ['active', 'play'],
  live: ['active', 'play'],
  busy: ['active', 'play'],
  up: ['active', 'play'],
  verifying: ['active', 'half'],
  completing: ['active', 'half'],
  recovering: ['active', 'half'],
  cleaning: ['active', 'half'],
  backoff: ['warn', 'clock'],
  stopping: ['warn', 'half'],
  // What waits for a person.
  needs_review: ['waits', 'bang'],
  waiting_input: ['waits', 'bang'],
  open: ['waits', 'bang'],
  // Not a state of a machine: a task that runs while a gate of it is open.
  waits_for_you: ['waits', 'bang'],
  // What ended.
  completed: ['good', 'check'],
  succeeded: ['good', 'check'],
  approved: ['good', 'check'],
  used: ['good', 'check'],
  failed: ['bad', 'cross'],
  broken: ['bad', 'cross'],
  rejected: ['bad', 'cross'],
  blocked: ['blocked', 'bar'],
  partial: ['warn', 'half'],
  stale: ['warn', 'clock'],
  interrupted: ['warn', 'bolt'],
  unknown_dispatch: ['warn', 'query'],
  aborted: ['off', 'dash'],
  canceled: ['off', 'dash'],
  expired: ['off', 'clock'],
  leaving: ['warn', 'half'],
  stopped: ['off', 'dash'],
  down: ['off', 'dash'],
  archived: ['off', 'dash'],
};

/** A state that is not in the table (a newer supervisor has it) is shown by its name, with a question mark. */
export const stateLook = (state: string): StateLook => {
  const [tone, shape] = Object.hasOwn(LOOKS, state)
    ? (LOOKS[state] ?? ['idle', 'query'])
    : (['idle', 'query'] as const);
  return { tone, shape, label: state.replaceAll('_', ' ') };
};

/** Every state that has a look of its own. */
export const KNOWN_STATES: readonly string[] = Object.keys(LOOKS);
