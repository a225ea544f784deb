/**
 * Why nobody answers for a project, and what helps: made from `supervisor.json` and the process table.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { SupervisorFile } from '../../supervisor/runners/protocol.ts';

/**
 * `absent`: no supervisor.json. `gone`: its process has ended. `stopped`: by a signal or a debugger. `mute`: it runs, and does not
 * answer. `foreign`: of another machine, which cannot be judged here.
 */
export type OwnerState = 'absent' | 'gone' | 'stopped' | 'mute' | 'foreign';

/** How the named process stands now. */
export const ownerState = async (file: SupervisorFile): Promise<Exclude<OwnerState, 'absent'>> => {
  // Loaded when there is trouble only: most clients never need the process table.
  const { openProcessTable } = await import('../../supervisor/processes/open-process-table.ts');
  const table = openProcessTable();
  const liveness = table.liveness(file.identity);
  if (liveness === 'foreign') return 'foreign';
  if (liveness !== 'alive') return 'gone';
  const row = table.list().find(({ identity }) => identity.pid === file.identity.pid);
  return row?.state === 'stopped' ? 'stopped' : 'mute';
};

/** The error `supervisor_unreachable` with `details {state, pid, commands}`. */
export const unreachable = (
  state: OwnerState,
  file: SupervisorFile | null,
  details: ConductorError['details'] = {},
): ConductorError => {
  const pid = file?.identity.pid ?? null;
  const commands = commandsFor(state, pid);
  const text = `${sentence(state, file)}. ${commands.map((command) => `\`${command}\``).join(' or ')} helps.`;
  return new ConductorError('supervisor_unreachable', text, {
    retryable: true,
    details: { ...details, state, pid, commands },
  });
};

const sentence = (state: OwnerState, file: SupervisorFile | null): string => {
  if (file === null || state === 'absent') return 'No supervisor runs for this project';
  const who = `The supervisor of ${file.repoRoot} (pid ${String(file.identity.pid)})`;
  if (state === 'gone') return `${who} has ended`;
  if (state === 'stopped') return `${who} is stopped (state T) and answers nobody`;
  if (state === 'foreign') return `${who} runs on another machine and cannot be reached from here`;
  return `${who} runs but does not answer at ${file.socket}`;
};

const commandsFor = (state: OwnerState, pid: number | null): readonly [string, string] => {
  const named = pid === null ? '<pid>' : String(pid);
  if (state === 'stopped') return [`kill -CONT ${named}`, `kill -KILL ${named} && conductor start`];
  if (state === 'mute') return ['conductor doctor', `kill -KILL ${named} && conductor start`];
  if (state === 'foreign') return ['conductor status', 'conductor start'];
  return ['conductor start', 'conductor doctor'];
};
