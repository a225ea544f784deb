/** Arguments that must be the id of one kind of thing. */
import { ConductorError } from '../../../machines/errors.ts';

/** @throws ConductorError `invalid_params` when it is something else. */
export const needKind = (found: { readonly kind: string; readonly id: string }, wanted: string): string => {
  if (found.kind === wanted) return found.id;
  throw new ConductorError('invalid_params', `${found.id} is a ${found.kind}, and a ${wanted} is needed`, {
    details: { id: found.id, kind: found.kind, wanted },
  });
};
