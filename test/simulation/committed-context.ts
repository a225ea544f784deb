/** What an actor remembers, as it was committed. */
import type { GateContext } from '../../src/machines/gate/model.ts';
import type { ObjectiveContext } from '../../src/machines/objective/model.ts';
import type { RunContext } from '../../src/machines/run/model.ts';
import type { TaskContext } from '../../src/machines/task/model.ts';
import type { WorkerContext } from '../../src/machines/worker/model.ts';
import type { ActorWrite } from '../../src/persistence/store.ts';

type Contexts = {
  readonly objective: ObjectiveContext;
  readonly task: TaskContext;
  readonly run: RunContext;
  readonly worker: WorkerContext;
  readonly gate: GateContext;
};

export const contextOf = <Kind extends keyof Contexts>(_kind: Kind, actor: ActorWrite): Contexts[Kind] =>
  actor.snapshot.context as unknown as Contexts[Kind];
