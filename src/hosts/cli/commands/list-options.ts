/** Options that lists share, and the parameters they become. */
import { kindOfId } from '../../../machines/ids.ts';
import type { CommandCall, OptionDefinition } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { needKind } from './id-arguments.ts';

export const PAGE_OPTIONS: readonly OptionDefinition[] = [
  { flags: '--limit <n>', description: 'items on a page, 1 to 100 (default: 50)', range: { min: 1, max: 100 } },
  { flags: '--after <cursor>', description: 'the page after this nextCursor' },
];

export const FILTER_OPTIONS = {
  state: { flags: '--state <state>', description: 'only in this state' },
  objective: { flags: '--objective <id>', description: 'only of this objective' },
  task: { flags: '--task <id>', description: 'only of this task' },
  worker: { flags: '--worker <id>', description: 'only of this worker' },
  run: { flags: '--run <id>', description: 'only of this run' },
  type: { flags: '--type <type>', description: 'only of this type' },
} as const satisfies Record<string, OptionDefinition>;
export type FilterName = keyof typeof FILTER_OPTIONS;

const KINDS = ['objective', 'task', 'worker', 'run'] as const;

/** Only what was given; the beginning of an id becomes the whole one. Runs are asked for by `status`. */
export const listParams = async (
  port: ConductorPort,
  options: CommandCall['options'],
  { stateName = 'state' }: { readonly stateName?: 'state' | 'status' } = {},
): Promise<Record<string, unknown>> => {
  const params: Record<string, unknown> = {};
  for (const kind of KINDS) {
    const value = options[kind];
    if (typeof value !== 'string') continue;
    params[`${kind}Id`] = kindOfId(value) === kind ? value : needKind(await resolvePrefix(port, value), kind);
  }
  for (const name of ['type', 'limit', 'after']) if (options[name] !== undefined) params[name] = options[name];
  if (options['state'] !== undefined) params[stateName] = options['state'];
  return params;
};
