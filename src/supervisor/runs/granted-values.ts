/**
 * Values of granted environment variables, in memory only: they are never in journal, spool, contract or store.
 *
 * G1. The client that asked for a run sends the values of the names that the user's configuration grants; they are kept until
 *     the task is settled. Without them the supervisor's own environment counts, as after a restart.
 */
export class GrantedValues {
  readonly #byTask = new Map<string, Readonly<Record<string, string>>>();
  /** The supervisor's own environment. */
  readonly own: Readonly<Record<string, string | undefined>>;

  constructor(own: Readonly<Record<string, string | undefined>>) {
    this.own = own;
  }

  keep(taskIds: readonly string[], values: Readonly<Record<string, string>>): void {
    if (Object.keys(values).length === 0) return;
    for (const taskId of taskIds) this.#byTask.set(taskId, values);
  }

  drop(taskId: string): void {
    this.#byTask.delete(taskId);
  }

  /** What the client sent for this task; empty when nothing was. */
  sentFor(taskId: string): Readonly<Record<string, string>> {
    return this.#byTask.get(taskId) ?? {};
  }

  /**
   * The values that must be hidden of a run of this task: what these names had for it, be it from the client, from the task itself
   * or from the supervisor. After a restart those of the client are not known here any more (G1).
   */
  secretsOf(
    taskId: string,
    names: readonly string[],
    taskEnv: Readonly<Record<string, string>> = {},
  ): readonly string[] {
    const sent = this.sentFor(taskId);
    const values = names.flatMap((name) => [taskEnv[name], sent[name], this.own[name]]);
    return [...new Set(values)].filter((value) => value !== undefined && value !== '') as readonly string[];
  }
}
