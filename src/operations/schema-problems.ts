/**
 * Says in words what is wrong with a value, by walking its JSON Schema: the field, the limit, and what is there instead.
 * Whether a value is right is decided by the compiled schema; this only explains.
 *
 * V1. One fault gives one problem: of a union only the branch that was meant is explained.
 * V2. A message never repeats the value of a text; numbers and lengths are shown, prompts and secrets are not.
 * V3. At most `PROBLEMS_MAX` problems, in the order of the schema.
 */
import { nearestName } from './nearest-name.ts';

/** More than this helps nobody. */
export const PROBLEMS_MAX = 20;

export type PathStep = string | number;
export type SchemaProblem = {
  readonly path: readonly PathStep[];
  /** A sentence part that follows the field's name. */
  readonly message: string;
  /** `key`: the name of the last step is at fault, not its value. */
  readonly at: 'key' | 'value';
};

/** The part of JSON Schema that our schemas use. */
type Schema = {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: unknown;
  readonly maxProperties?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMaximum?: number;
  /** Our own keyword: what a pattern means, for people. */
  readonly patternSays?: string;
};

type Walk = { readonly found: SchemaProblem[]; readonly path: readonly PathStep[] };

/** @returns what is wrong, empty when the walker sees nothing. */
export const schemaProblems = (schema: object, value: unknown): readonly SchemaProblem[] => {
  const found: SchemaProblem[] = [];
  explain(schema, value, { found, path: [] });
  return found;
};

/** `tasks[3].env.PATH`; the empty path is `the value`. */
export const pathText = (path: readonly PathStep[]): string =>
  path.length === 0
    ? 'the value'
    : path.reduce<string>(
        (text, step) =>
          typeof step === 'number' ? `${text}[${String(step)}]` : text === '' ? step : `${text}.${step}`,
        '',
      );

const add = (walk: Walk, message: string, at: SchemaProblem['at'] = 'value'): void => {
  if (walk.found.length < PROBLEMS_MAX) walk.found.push({ path: walk.path, message, at });
};

function explain(schema: Schema, value: unknown, walk: Walk): void {
  if (schema.anyOf !== undefined) return explainUnion(schema.anyOf, value, walk);
  if ('const' in schema) {
    if (value !== schema.const) add(walk, `must be ${JSON.stringify(schema.const)}`);
    return;
  }
  const type = schema.type;
  if (type !== undefined && !hasType(type, value))
    return add(walk, `must be ${typeWord(schema)}, not ${valueWord(value)}`);
  if (type === 'object') explainObject(schema, value as Record<string, unknown>, walk);
  if (type === 'array') explainList(schema, value as readonly unknown[], walk);
  if (type === 'string') explainText(schema, value as string, walk);
  if (type === 'integer' || type === 'number') explainNumber(schema, value as number, walk);
}

/** Literals are named together; of objects the branch with the right discriminator; else the branch of the value's type. */
function explainUnion(branches: readonly Schema[], value: unknown, walk: Walk): void {
  const flat = branches.flatMap((branch) => branch.anyOf ?? [branch]);
  const fits = (branch: Schema): boolean => problemsIn(branch, value) === 0;
  if (flat.some(fits)) return;
  const sameType = flat.filter(
    (branch) => branch.type !== undefined && !('const' in branch) && hasType(branch.type, value),
  );
  const [meant] = sameType.filter((branch) => hasDiscriminator(branch, value));
  if (meant !== undefined) return explain(meant, value, walk);
  const literals = flat.filter((branch) => 'const' in branch).map((branch) => JSON.stringify(branch.const));
  if (literals.length === flat.length) return add(walk, `must be one of ${literals.join(', ')}`);
  const [only] = sameType;
  if (only !== undefined && sameType.length === 1 && literals.length === 0) return explain(only, value, walk);
  add(walk, `must be ${[...literals, ...flat.filter((branch) => !('const' in branch)).map(typeWord)].join(' or ')}`);
}

const problemsIn = (schema: Schema, value: unknown): number => schemaProblems(schema, value).length;

/** Without a literal among its properties a branch has no discriminator, and its type is enough. */
const hasDiscriminator = (branch: Schema, value: unknown): boolean => {
  const literals = Object.entries(branch.properties ?? {}).filter(([, property]) => 'const' in property);
  const given = value as Record<string, unknown>;
  return literals.length > 0 && literals.every(([key, property]) => given[key] === property.const);
};

function explainObject(schema: Schema, value: Record<string, unknown>, walk: Walk): void {
  for (const key of schema.required ?? []) {
    if (!Object.hasOwn(value, key)) add({ ...walk, path: [...walk.path, key] }, 'is missing');
  }
  const { maxProperties = Infinity } = schema;
  const given = Object.entries(value).filter(([, member]) => member !== undefined);
  if (given.length > maxProperties) {
    add(walk, `may have at most ${String(maxProperties)} entries, not ${String(given.length)}`);
  }
  for (const [key, member] of given) {
    const of = memberSchema(schema, key);
    const at = { ...walk, path: [...walk.path, key] };
    if (of !== undefined) explain(of, member, at);
    else if (schema.additionalProperties === false) add(at, unknownKey(schema, key), 'key');
  }
}

const memberSchema = (schema: Schema, key: string): Schema | undefined => {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  return Object.entries(schema.patternProperties ?? {}).find(([pattern]) => new RegExp(pattern, 'u').test(key))?.[1];
};

const unknownKey = ({ properties, patternProperties }: Schema, key: string): string => {
  if (patternProperties !== undefined) {
    return key.startsWith('CONDUCTOR_')
      ? 'is refused: names that begin with CONDUCTOR_ are set by conductor'
      : 'is not a name that may stand here';
  }
  const known = Object.keys(properties ?? {});
  const nearest = nearestName(key, known);
  return `is not a known key: ${nearest === null ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`}`;
};

function explainList(schema: Schema, value: readonly unknown[], walk: Walk): void {
  const { minItems = 0, maxItems = Infinity, items } = schema;
  if (value.length < minItems) add(walk, `needs at least ${String(minItems)} ${minItems === 1 ? 'entry' : 'entries'}`);
  if (value.length > maxItems) {
    add(walk, `may have at most ${String(maxItems)} entries, not ${String(value.length)}`);
    return;
  }
  if (items !== undefined)
    value.forEach((item, index) => explain(items, item, { ...walk, path: [...walk.path, index] }));
}

function explainText(schema: Schema, value: string, walk: Walk): void {
  const { minLength = 0, maxLength = Infinity, pattern } = schema;
  if (schema.enum !== undefined) {
    const known = schema.enum.map((one) => JSON.stringify(one)).join(', ');
    if (!schema.enum.includes(value)) add(walk, `must be one of ${known}`);
    return;
  }
  const length = Array.from(value).length;
  if (length < minLength) {
    add(walk, minLength === 1 ? 'must not be empty' : `needs at least ${String(minLength)} characters`);
  } else if (length > maxLength) {
    add(walk, `may have at most ${String(maxLength)} characters, not ${String(length)}`);
  } else if (pattern !== undefined && !new RegExp(pattern, 'u').test(value)) {
    add(walk, `must ${schema.patternSays ?? `match ${pattern}`}`);
  }
}

function explainNumber(schema: Schema, value: number, walk: Walk): void {
  const { minimum = -Infinity, maximum = Infinity, exclusiveMaximum = Infinity } = schema;
  if (value >= minimum && value <= maximum && value < exclusiveMaximum) return;
  add(walk, `must be ${typeWord(schema)}, not ${String(value)}`);
}

const hasType = (type: string, value: unknown): boolean => {
  switch (type) {
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'number':
      return typeof value === 'number' && Number.isFinite(value);
    case 'null':
      return value === null;
    default:
      return typeof value === type;
  }
};

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  integer: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  null: 'null',
};

const typeWord = (schema: Schema): string => {
  const word = TYPE_WORDS[schema.type ?? ''] ?? 'something else';
  const { minimum, maximum } = schema;
  if (minimum !== undefined && maximum !== undefined) return `${word} from ${String(minimum)} to ${String(maximum)}`;
  return minimum === undefined ? word : `${word} from ${String(minimum)} on`;
};

const valueWord = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return String(value);
  return TYPE_WORDS[typeof value] ?? typeof value;
};
