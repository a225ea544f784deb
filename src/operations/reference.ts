/** The reference of all operations as Markdown, made from the catalogue: what the text says is what is checked. */
import type { TSchema } from 'typebox';
import { CommandLineSchema } from '../supervisor/specs/task-spec.ts';
import { OPERATIONS } from './catalogue.ts';
import type { Operation } from './operation.ts';
import { PlanSchema } from './plan/plan-schema.ts';
import {
  ArtifactItemSchema,
  EventItemSchema,
  GateItemSchema,
  ObjectiveItemSchema,
  RunItemSchema,
  TaskItemSchema,
  WorkerItemSchema,
} from './read-models/item-schemas.ts';

/** The part of JSON Schema that our schemas use. */
type Shape = {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Shape[];
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly patternProperties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly items?: Shape;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly patternSays?: string;
  readonly description?: string;
};

/** Shapes that return everywhere: described once, then named. */
const ITEMS: Readonly<Record<string, object>> = {
  objective: ObjectiveItemSchema,
  task: TaskItemSchema,
  run: RunItemSchema,
  worker: WorkerItemSchema,
  gate: GateItemSchema,
  artifact: ArtifactItemSchema,
  event: EventItemSchema,
};
const NAMED = new Map<string, string>([
  ...Object.entries(ITEMS).map(([name, schema]): [string, string] => [JSON.stringify(schema), `[${name}](#${name})`]),
  [JSON.stringify(CommandLineSchema), 'command (text or list of texts)'],
  [JSON.stringify(PlanSchema), 'a plan as in a plan file (`plan.schema.json`)'],
]);

/** Levels of nested objects that are spelled out; a whole plan is described by its own schema. */
const DEPTH_MAX = 2;

const INTRODUCTION = `# Operations

Everything that Conductor can be asked for. Every host offers the same operations: Pi tools and MCP tools under these names,
\`conductor call NAME '{…}'\` on the command line, RPC methods, and \`call(name, params)\` when embedded.

- A result is \`{"content": [{"type": "text", "text": …}], "details": …}\`; below, *details* are its fields.
- A refusal is \`{"error": {code, message, retryable, details}}\`. Unknown parameters are refused, not ignored.
- An operation that writes needs a supervisor; a repeat under the same request id gets the first answer for 24 hours.
- Times are milliseconds since 1970, sizes bytes. \`?\` marks what may be left out.

This file is generated: \`node scripts/reference.ts\`.
`;

export const referenceMarkdown = (): string =>
  [
    INTRODUCTION,
    indexOf(OPERATIONS),
    ...OPERATIONS.map((operation) => sectionOf(operation as Operation)),
    '# Items\n',
    ...Object.entries(ITEMS).map(([name, schema]) => `## ${name}\n\n${fieldsOf(schema)}\n`),
  ].join('\n');

const indexOf = (
  operations: readonly { readonly name: string; readonly title: string; readonly mutates: boolean }[],
): string =>
  [
    '| operation | what it does | writes |',
    '| --- | --- | --- |',
    ...operations.map(({ name, title, mutates }) => `| [\`${name}\`](#${name}) | ${title} | ${mutates ? 'yes' : ''} |`),
    '',
  ].join('\n');

const sectionOf = ({ name, title, description, params, result, principals, mutates }: Operation): string =>
  [
    `## ${name}`,
    '',
    `**${title}.** ${description}`,
    '',
    `${mutates ? 'Writes' : 'Reads'}. For: ${principals.map((one) => `\`${one}\``).join(', ')}.`,
    '',
    ...fieldTable('parameter', params),
    `Details: ${detailsOf(result)}`,
    '',
  ].join('\n');

const fieldTable = (noun: string, schema: TSchema): string[] => {
  const shape = schema as Shape;
  const fields = Object.entries(shape.properties ?? {});
  if (fields.length === 0) return ['No parameters.', ''];
  return [
    `| ${noun} | type | |`,
    '| --- | --- | --- |',
    ...fields.map(
      ([key, field]) =>
        `| \`${key}\`${shape.required?.includes(key) === true ? '' : '?'} | ${cell(typeOf(field, 0))} | ${cell(field.description ?? '')} |`,
    ),
    '',
  ];
};

const detailsOf = (shape: Shape): string => {
  if (shape.anyOf === undefined) return fieldsOf(shape);
  const [first] = shape.anyOf;
  const kinds = shape.anyOf.map(({ properties }) => JSON.stringify(properties?.['kind']?.const));
  return `by \`kind\`, one of ${kinds.join(', ')}: ${fieldsOf(first ?? {})}`;
};

const fieldsOf = ({ properties = {}, required = [] }: Shape): string =>
  Object.entries(properties)
    .map(([key, field]) => `\`${key}\`${required.includes(key) ? '' : '?'} ${typeOf(field, 0)}`)
    .join(' · ');

/** A type in words with its bounds. */
const typeOf = (shape: Shape, depth: number): string => {
  const named = NAMED.get(JSON.stringify({ ...shape, description: undefined }));
  if (named !== undefined) return named;
  if ('const' in shape) return `\`${JSON.stringify(shape.const)}\``;
  if (shape.enum !== undefined) return shape.enum.map((one) => `\`${String(one)}\``).join(', ');
  if (shape.anyOf !== undefined) return shape.anyOf.map((one) => typeOf(one, depth)).join(' or ');
  if (shape.type === 'string') return textType(shape);
  if (shape.type === 'integer') return `integer${rangeOf(shape.minimum, shape.maximum)}`;
  if (shape.type === 'array') return listType(shape, depth);
  return shape.type === 'object' ? objectType(shape, depth) : (shape.type ?? 'anything');
};

const listType = ({ items = {}, maxItems }: Shape, depth: number): string =>
  `list of ${typeOf(items, depth + 1)}${maxItems === undefined ? '' : ` (at most ${grouped(maxItems)})`}`;

const textType = ({ patternSays, minLength = 0, maxLength }: Shape): string => {
  if (patternSays !== undefined) return `text: must ${patternSays}`;
  return maxLength === undefined ? 'text' : `text ${String(minLength)}..${grouped(maxLength)}`;
};

const objectType = ({ properties, patternProperties, required = [] }: Shape, depth: number): string => {
  const [any] = Object.values(patternProperties ?? {});
  if (any !== undefined) return `object of ${typeOf(any, depth + 1)} by name`;
  const keys = Object.entries(properties ?? {});
  if (keys.length === 0) return 'object';
  if (depth >= DEPTH_MAX) return `{${keys.map(([key]) => key).join(', ')}}`;
  return `{${keys.map(([key, field]) => `${key}${required.includes(key) ? '' : '?'}: ${typeOf(field, depth + 1)}`).join(', ')}}`;
};

const rangeOf = (minimum: number | undefined, maximum: number | undefined): string => {
  if (minimum === undefined && maximum === undefined) return '';
  return ` ${minimum === undefined ? '' : grouped(minimum)}..${maximum === undefined ? '' : grouped(maximum)}`;
};

const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
