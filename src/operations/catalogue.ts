/**
 * Every operation there is, once: the whole public surface. Hosts derive their tools, methods, commands and reference from it.
 *
 * Y1. Names are unique and begin with `conductor_`.
 * Y2. No parameter names a principal: who asks is decided by the host's channel.
 */
import type { Static } from 'typebox';
import { artifactOperations } from './artifact-operations.ts';
import { chartOperations } from './chart-operations.ts';
import { childOperations } from './child-operations.ts';
import { eventOperations } from './event-operations.ts';
import { gateOperations } from './gate-operations.ts';
import type { Catalogue } from './invoke-operation.ts';
import { momentOperations } from './moment-operations.ts';
import { objectiveOperations } from './objective-operations.ts';
import type { Operation } from './operation.ts';
import { overviewOperations } from './overview-operations.ts';
import { planOperations } from './plan-operations.ts';
import { projectOperations } from './project-operations.ts';
import { runOperations } from './run-operations.ts';
import { serviceOperations } from './service-operations.ts';
import { taskDecisions } from './task-decisions.ts';
import { taskOperations } from './task-operations.ts';
import { updateTask } from './task-update.ts';
import { workerOperations } from './worker-operations.ts';

export const OPERATIONS = [
  ...projectOperations,
  ...planOperations,
  ...objectiveOperations,
  ...taskOperations,
  updateTask,
  ...taskDecisions,
  ...runOperations,
  ...workerOperations,
  ...gateOperations,
  ...artifactOperations,
  ...eventOperations,
  ...overviewOperations,
  ...momentOperations,
  ...chartOperations,
  ...serviceOperations,
  ...childOperations,
] as const;

export type OperationName = (typeof OPERATIONS)[number]['name'];
type Named<Name extends OperationName> = Extract<(typeof OPERATIONS)[number], { readonly name: Name }>;
/** Parameters and details of an operation, for typed callers. */
export type OperationParams<Name extends OperationName> = Static<Named<Name>['params']>;
export type OperationDetails<Name extends OperationName> = Static<Named<Name>['result']>;

export const catalogue: Catalogue = new Map<string, Operation>(
  OPERATIONS.map((operation) => [operation.name, operation as Operation]),
);
