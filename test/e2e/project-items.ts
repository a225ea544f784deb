/** What the tests look at in items of lists and in journal entries; the operations' results hold more. */

export type Item = Readonly<Record<string, unknown>> & {
  readonly taskId: string;
  readonly runId: string;
  readonly state: string;
};

type Fields = Readonly<Record<string, unknown>>;
export type Run = Fields & {
  readonly runId: string;
  readonly status: string;
  readonly epoch: number;
  readonly attempt: number;
  readonly end: string | null;
  readonly reason: string | null;
  readonly workerId: string;
  readonly worktreePath: string | null;
  readonly branch: string | null;
  readonly commit: string | null;
};
export type Gate = Fields & { readonly gateId: string; readonly state: string; readonly ask: string };
export type Worker = Fields & {
  readonly workerId: string;
  readonly state: string;
  readonly worktreePath: string;
  readonly branch: string;
  readonly reason: string | null;
};
export type Artifact = Fields & {
  readonly artifactId: string;
  readonly type: string;
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
};
export type Entry = Fields & {
  readonly kind: string;
  readonly actor: string;
  readonly event: Fields & { readonly type: string };
  readonly to: string | null;
  readonly reason: string | null;
};
