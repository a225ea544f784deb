/**
 * Which operations a page may call: everything that only reads, and of what changes something the few things a person does there.
 *
 * O1. What starts programs from a text (plans, tasks) or trusts a file is not for a page: whoever got hold of one could run anything.
 */
import { ConductorError } from '../../machines/errors.ts';
import { catalogue } from '../../operations/catalogue.ts';

/** Decisions about work that is there. */
export const PAGE_DECISIONS: readonly string[] = [
  'conductor_resolve_gate',
  'conductor_accept_task',
  'conductor_retry_task',
  'conductor_cancel_task',
  'conductor_cancel_task_run',
  'conductor_cancel_objective',
  'conductor_recover_worker',
];

/** @throws ConductorError `not_found` for no operation at all, `not_permitted` for one that is not for a page. */
export const requireForPage = (name: string): { readonly mutates: boolean } => {
  const operation = catalogue.get(name);
  if (operation === undefined) {
    throw new ConductorError('not_found', `There is no operation ${name.slice(0, 80)}.`);
  }
  const isFor = operation.principals.includes('human') && (!operation.mutates || PAGE_DECISIONS.includes(name));
  if (isFor) return { mutates: operation.mutates };
  throw new ConductorError('not_permitted', `${name} is not for the inspector: conductor call ${name} in a terminal.`, {
    details: { operation: name },
  });
};
