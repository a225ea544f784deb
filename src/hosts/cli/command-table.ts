/**
 * Every command of the command line, in the order of the help. Only the one that was typed is loaded.
 */
import type { CommandDefinition } from './command-definition.ts';

export type CommandEntry = {
  readonly name: string;
  /** The same words as in its definition; here so that the help loads no command. */
  readonly summary: string;
  readonly load: () => Promise<CommandDefinition>;
};

export type CommandGroup = { readonly title: string; readonly commands: readonly CommandEntry[] };

const entry = (name: string, summary: string, load: () => Promise<CommandDefinition>): CommandEntry => ({
  name,
  summary,
  load,
});

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  {
    title: 'Work',
    commands: [
      entry('run', 'run a plan, or one program, and show it until it rests', async () => {
        return (await import('./commands/run-command.ts')).runCommand;
      }),
      entry('status', 'show what is going on and what to do next', async () => {
        return (await import('./commands/status-command.ts')).statusCommand;
      }),
      entry('cancel', 'cancel an objective, a task or a run', async () => {
        return (await import('./commands/cancel-command.ts')).cancelCommand;
      }),
      entry('retry', 'start a task anew that failed, was canceled or needs review', async () => {
        return (await import('./commands/retry-command.ts')).retryCommand;
      }),
      entry('accept', 'accept the work of a task that needs review', async () => {
        return (await import('./commands/accept-command.ts')).acceptCommand;
      }),
      entry('gate', 'decide a gate: approve, reject, or answer its question', async () => {
        return (await import('./commands/gate-command.ts')).gateCommand;
      }),
    ],
  },
  {
    title: 'Look',
    commands: [
      entry('objectives', 'list objectives', async () => (await lists()).objectivesCommand),
      entry('tasks', 'list tasks', async () => (await lists()).tasksCommand),
      entry('runs', 'list runs', async () => (await lists()).runsCommand),
      entry('workers', 'list workers; recover or clean up one', async () => {
        return (await import('./commands/workers-command.ts')).workersCommand;
      }),
      entry('gates', 'list gates', async () => (await lists()).gatesCommand),
      entry('artifacts', 'list artifacts', async () => (await lists()).artifactsCommand),
      entry('events', 'list what happened, or follow it', async () => {
        return (await import('./commands/events-command.ts')).eventsCommand;
      }),
      entry('show', 'show one thing with all that belongs to it', async () => {
        return (await import('./commands/show-command.ts')).showCommand;
      }),
      entry('logs', 'print what a run printed', async () => {
        return (await import('./commands/logs-command.ts')).logsCommand;
      }),
      entry('attach', 'watch the terminal of a run, or type into it', async () => {
        return (await import('./commands/attach-command.ts')).attachCommand;
      }),
      entry('diagram', 'print the chart of a machine, or of one thing as it is now', async () => {
        return (await import('./commands/diagram-command.ts')).diagramCommand;
      }),
      entry('replay', 'run the journal through the machines again and compare', async () => {
        return (await import('./commands/replay-command.ts')).replayCommand;
      }),
    ],
  },
  {
    title: 'Project',
    commands: [
      entry('start', 'start the supervisor; it stays until it is stopped', async () => {
        return (await import('./commands/start-command.ts')).startCommand;
      }),
      entry('inspect', 'watch everything live in a browser', async () => {
        return (await import('./commands/inspect-command.ts')).inspectCommand;
      }),
      entry('stop', 'stop the supervisor after its runs, at once, or without them', async () => {
        return (await import('./commands/stop-command.ts')).stopCommand;
      }),
      entry('upgrade', 'replace the supervisor by one of this version; runs go on', async () => {
        return (await import('./commands/upgrade-command.ts')).upgradeCommand;
      }),
      entry('doctor', 'check this machine and this project', async () => {
        return (await import('./commands/doctor-command.ts')).doctorCommand;
      }),
      entry('restore', 'bring back what a cleanup or a new run put aside', async () => {
        return (await import('./commands/restore-command.ts')).restoreCommand;
      }),
      entry('trust', "trust the repository's configuration as it is", async () => {
        return (await import('./commands/trust-command.ts')).trustCommand;
      }),
      entry('call', 'call an operation by its name', async () => {
        return (await import('./commands/call-command.ts')).callCommand;
      }),
      entry('child', 'report from inside a run', async () => {
        return (await import('./commands/child-command.ts')).childCommand;
      }),
      entry('completion', 'print the completion script of a shell', async () => {
        return (await import('./commands/completion-command.ts')).completionCommand;
      }),
    ],
  },
];

const lists = () => import('./commands/list-commands.ts');

/** All of them, and the one that shells call while a word is typed. */
export const COMMANDS: readonly CommandEntry[] = COMMAND_GROUPS.flatMap(({ commands }) => commands);

/** @returns null when nothing has this name. */
export const findCommand = (name: string): CommandEntry | null =>
  name === '__complete'
    ? entry(
        '__complete',
        'complete a word',
        async () => (await import('./commands/complete-command.ts')).completeCommand,
      )
    : (COMMANDS.find((one) => one.name === name) ?? null);
