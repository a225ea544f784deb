/**
 * Where the tasks of an objective stand: what waits stands to the right of what it waits for.
 *
 * T1. No two boxes overlap, every task has one, and an arrow leads from a task to one that waits for it.
 */
import { Type, type Static } from 'typebox';

const number = Type.Number();
const closed = <Fields extends Parameters<typeof Type.Object>[0]>(fields: Fields) =>
  Type.Object(fields, { additionalProperties: false });

export const TaskLayoutSchema = closed({
  nodes: Type.Array(closed({ taskId: Type.String(), x: number, y: number, width: number, height: number })),
  edges: Type.Array(
    closed({ from: Type.String(), to: Type.String(), points: Type.Array(closed({ x: number, y: number })) }),
  ),
  width: number,
  height: number,
});
export type TaskLayout = Static<typeof TaskLayoutSchema>;

/** `edges`: from a task to one that waits for it; both are among the tasks. */
export type TaskGraph = {
  readonly tasks: readonly string[];
  readonly edges: readonly (readonly [from: string, to: string])[];
};
