/** What the user's configuration says about a supervisor itself. */

export type SupervisorSettings = {
  /** Runs at one time in the project. */
  readonly projectMax: number;
  readonly branchPrefix: string;
  /** null: `<repository>.worktrees`. */
  readonly worktreesDir: string | null;
  /** Filter drivers that may run with the values of the user's git configuration. */
  readonly gitFilters: readonly string[];
  /** Days after which what is settled moves to the archive. */
  readonly retainDays: number;
};
