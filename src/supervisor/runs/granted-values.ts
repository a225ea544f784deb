/**
 * Values of granted and secret environment variables, in memory only: they are never in journal, spool, contract or store.
 *
 * G1. The client that asked for a run sends the values of the names that the user's configuration grants; they are kept until
 *     the task is settled. Without them the supervisor's own environment counts, as after a restart.
 * G2. What a run was started with is kept as long, to be hidden: by the supervisor that started it, and by one that began later
 *     from what the runner says when it connects.
 */
type Epoch = { readonly taskId: string; readonly runId: string; readonly epoch: number };
type Hidden = { readonly values: Set<string>; readonly epochs: Set<string> };

export class GrantedValues {
  readonly #byTask = new Map<string, Readonly<Record<string, string>>>();
  readonly #hidden = new Map<string, Hidden>();
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
    this.#hidden.delete(taskId);
  }

  /** What the client sent for this task; empty when nothing was. */
  sentFor(taskId: string): Readonly<Record<string, string>> {
    return this.#byTask.get(taskId) ?? {};
  }

  /** These are all the secret values that a runner of this epoch has (G2). */
  hide({ taskId, runId, epoch }: Epoch, values: readonly string[]): void {
    const hidden = this.#hidden.get(taskId) ?? { values: new Set(), epochs: new Set() };
    for (const value of values) if (value !== '') hidden.values.add(value);
    hidden.epochs.add(placeOf(runId, epoch));
    this.#hidden.set(taskId, hidden);
  }

  /** Whether the values of this epoch are among those of `secretsOf`. */
  isKnown({ taskId, runId, epoch }: Epoch): boolean {
    return this.#hidden.get(taskId)?.epochs.has(placeOf(runId, epoch)) ?? false;
  }

  /**
   * The values that must be hidden of a run of this task: what these names have for it now, be it from the client, from the task itself
   * or from the supervisor, and what its runs were started with.
   */
  secretsOf(
    taskId: string,
    names: readonly string[],
    taskEnv: Readonly<Record<string, string>> = {},
  ): readonly string[] {
    const sent = this.sentFor(taskId);
    const values = names.flatMap((name) => [taskEnv[name], sent[name], this.own[name]]);
    const hidden = this.#hidden.get(taskId)?.values ?? [];
    return [...new Set([...values, ...hidden])].filter(
      (value) => value !== undefined && value !== '',
    ) as readonly string[];
  }
}

const placeOf = (runId: string, epoch: number): string => `${runId}/${String(epoch)}`;
