/**
 * Calls one operation by name: who may, with what, once.
 *
 * I1. Whoever may not call it learns nothing but that; wrong parameters change nothing.
 * I2. A repeat of a request gets the first answer, whatever has happened since; with other parameters it is a conflict.
 * I3. Nothing but a ConductorError comes out.
 */
import { Settings } from 'typebox/system';
import { Compile, type Validator } from 'typebox/compile';
import type { TSchema } from 'typebox';
import { ConductorError, isConductorError } from '../machines/errors.ts';
import type { StoredRequest } from '../persistence/store.ts';
import { KERNEL_LIMITS } from '../supervisor/kernel/limits.ts';
import { canonicalJson, sha256 } from '../supervisor/specs/canonical-json.ts';
import { nearestName } from './nearest-name.ts';
import { needsSupervisor, type HandlerContext, type OperationContext } from './operation-context.ts';
import type { Operation, OperationResult } from './operation.ts';
import { pathText, schemaProblems } from './schema-problems.ts';

Settings.Set({ maxErrors: 64 });

export type Catalogue = ReadonlyMap<string, Operation>;

/** Longest request id, in characters. */
const REQUEST_ID_MAX = 128;
/** Parameters as JSON, in bytes: what a frame can carry. */
const PARAMS_BYTES_MAX = 2 * 1_048_576;

/** @throws ConductorError `not_found` (no such operation), `not_permitted`, `invalid_params`, and what the operation throws. */
export const invokeOperation = async (
  catalogue: Catalogue,
  call: { readonly name: string; readonly params: unknown },
  context: OperationContext,
): Promise<OperationResult<unknown>> => {
  const operation = catalogue.get(call.name) ?? unknownOperation(catalogue, call.name);
  if (!operation.principals.includes(context.principal)) {
    throw new ConductorError('not_permitted', `${operation.name} is not for a ${context.principal}`, {
      details: { operation: operation.name, principal: context.principal, allowed: operation.principals },
    });
  }
  const params = checkedParams(operation, call.params ?? {});
  if (operation.mutates && operation.withoutStore !== true && context.kernel === null) throw needsSupervisor();
  try {
    const handlerContext: HandlerContext = { ...context, request: requestOf(operation, params, context) };
    const earlier = await earlierAnswer(handlerContext);
    const result = earlier ?? (await operation.handler(handlerContext, params));
    return operation.finish === undefined ? result : await operation.finish(handlerContext, result, params);
  } catch (error) {
    throw isConductorError(error)
      ? error
      : new ConductorError('internal', `${operation.name} failed inside of conductor: conductor doctor`, {
          cause: error,
        });
  }
};

/** Compiled at the first call: most processes call a handful of operations. */
const validators = new WeakMap<TSchema, Validator>();
const validatorOf = (schema: TSchema): Validator => {
  const known = validators.get(schema);
  if (known !== undefined) return known;
  const made = Compile(schema);
  validators.set(schema, made);
  return made;
};

/** @throws ConductorError `invalid_params`: `details.problems` is `[{path, message}]`. */
const checkedParams = (operation: Operation, params: unknown): unknown => {
  if (validatorOf(operation.params).Check(params)) {
    if (jsonBytes(params) <= PARAMS_BYTES_MAX) return params;
    throw new ConductorError(
      'too_large',
      `the parameters of ${operation.name} have more than ${String(PARAMS_BYTES_MAX)} bytes`,
    );
  }
  const found = schemaProblems(operation.params, params).map(({ path, message }) => ({
    path: pathText(path),
    message,
  }));
  const problems = found.length > 0 ? found : [{ path: 'the value', message: 'does not fit the parameters' }];
  throw new ConductorError(
    'invalid_params',
    `${operation.name}: ${problems.map(({ path, message }) => `${path} ${message}`).join('; ')}`,
    { details: { operation: operation.name, problems } },
  );
};

const jsonBytes = (value: unknown): number => JSON.stringify(value)?.length ?? 0;

const unknownOperation = (catalogue: Catalogue, name: string): never => {
  const nearest = nearestName(name, [...catalogue.keys()]) ?? nearestName(`conductor_${name}`, [...catalogue.keys()]);
  const hint = nearest === null ? 'conductor call --list shows them all' : `did you mean ${nearest}?`;
  throw new ConductorError('not_found', `there is no operation ${name.slice(0, 80)}: ${hint}`, {
    details: { operation: name.slice(0, 80), nearest },
  });
};

const requestOf = (
  operation: Operation,
  params: unknown,
  { requestId }: OperationContext,
): HandlerContext['request'] => {
  if (requestId === null || !operation.mutates) return null;
  if (requestId === '' || requestId.length > REQUEST_ID_MAX) {
    throw new ConductorError(
      'invalid_params',
      `a request id has 1 to ${String(REQUEST_ID_MAX)} characters, not ${String(requestId.length)}`,
    );
  }
  return { id: requestId, hash: sha256(canonicalJson({ operation: operation.name, params })) };
};

/** I2 before the handler: what it would find in the store today may not be what its first call found. */
const earlierAnswer = async ({ request, reader, clock }: HandlerContext): Promise<OperationResult<unknown> | null> => {
  if (request === null) return null;
  const stored: StoredRequest | null = await reader.getRequest(request.id);
  if (stored === null || clock.now() - stored.at > KERNEL_LIMITS.requestKeptMs) return null;
  if (stored.hash === request.hash) return stored.result as OperationResult<unknown>;
  throw new ConductorError(
    'idempotency_conflict',
    `request ${request.id} was made before with other parameters: use a new id for a new request`,
    { details: { requestId: request.id } },
  );
};

/** For tests: a result that its own schema does not describe is a defect. @returns what is wrong, empty when nothing is. */
export const resultProblems = (operation: Operation, result: OperationResult<unknown>): readonly string[] => {
  const validator = validatorOf(operation.result);
  if (validator.Check(result.details)) return [];
  const found = schemaProblems(operation.result, result.details).map(
    ({ path, message }) => `${pathText(path)} ${message}`,
  );
  return found.length > 0
    ? found
    : [...validator.Errors(result.details)].map(({ instancePath, message }) => `${instancePath} ${message}`);
};
