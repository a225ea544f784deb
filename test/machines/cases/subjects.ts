/** The machines under generated tests, smallest first. */
import type { MachineCases } from '../graph/machine-cases.ts';
import { gateCases } from './gate.ts';
import { objectiveCases } from './objective.ts';
import { runCases } from './run.ts';
import { supervisorCases } from './supervisor.ts';
import { taskCases } from './task.ts';
import { workerCases } from './worker.ts';

/** Stored by the kernel, driven by it in its own suite. */
export const persistedSubjects: readonly MachineCases[] = [gateCases, workerCases, objectiveCases, taskCases, runCases];
export const subjects: readonly MachineCases[] = [...persistedSubjects, supervisorCases];
