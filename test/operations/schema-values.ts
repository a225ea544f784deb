/** Values made from a schema: right ones, and right ones with one thing wrong. */
import fc from 'fast-check';

export type Schema = {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly [keyword: string]: unknown;
};

type Values = fc.Arbitrary<unknown>;
type Make = (schema: Schema, ids: readonly string[]) => Values;

const numberOf = (schema: Schema, keyword: string, otherwise: number): number =>
  (schema[keyword] as number | undefined) ?? otherwise;

const textOf: Make = (schema, ids) => {
  const pattern = schema['pattern'] as string | undefined;
  if (pattern === undefined) {
    const maxLength = Math.min(numberOf(schema, 'maxLength', 40), 40);
    return fc.string({ minLength: numberOf(schema, 'minLength', 0), maxLength });
  }
  const fitting = ids.filter((id) => new RegExp(pattern, 'u').test(id));
  if (fitting.length > 0) return fc.constantFrom(...fitting);
  return fc.stringMatching(new RegExp(pattern.replaceAll('(?!CONDUCTOR_)', '')));
};

const objectOf: Make = (schema, ids) => {
  const members = Object.entries(schema.properties ?? {}).map(([key, one]) => [key, valuesOf(one, ids)] as const);
  if (members.length === 0) return fc.constant({});
  return fc.record(Object.fromEntries(members), { requiredKeys: [...(schema.required ?? [])] });
};

const listOf: Make = (schema, ids) =>
  fc.array(valuesOf(schema.items!, ids), {
    minLength: numberOf(schema, 'minItems', 0),
    maxLength: Math.min(numberOf(schema, 'maxItems', 3), 3),
  });

const ofType: Readonly<Record<string, Make>> = {
  object: objectOf,
  array: listOf,
  integer: (schema) => fc.integer({ min: numberOf(schema, 'minimum', 0), max: numberOf(schema, 'maximum', 2_000_000) }),
  boolean: () => fc.boolean(),
  null: () => fc.constant(null),
  string: textOf,
};

/** Values that a schema allows. What has a pattern is drawn from `ids` where one fits, so that handlers are reached. */
export const valuesOf: Make = (schema, ids) => {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map((one) => valuesOf(one, ids)));
  return ofType[schema.type ?? 'string']!(schema, ids);
};

/** Right values with one thing wrong: a foreign key, a missing one, another type, far too much. */
export const mangled = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      value,
      fc.nat(),
      fc.constantFrom<(object: Record<string, unknown>, key: string) => unknown>(
        (object) => ({ ...object, unknown: 1 }),
        (object, key) => ({ ...object, [key]: null }),
        (object, key) => ({ ...object, [key]: { deep: [{ $ref: 1 }] } }),
        (object, key) => ({ ...object, [key]: 'x'.repeat(200_000) }),
        (object, key) => ({ ...object, [key]: Number.MAX_SAFE_INTEGER * 2 }),
        (object, key) => ({ ...object, [key]: '\0\u202e../../etc/passwd' }),
        (object, key) => ({ ...object, [key]: Array.from({ length: 5_000 }, () => []) }),
        (object) =>
          JSON.parse(`{"__proto__": {"taskId": "x"}, "constructor": 1, "x": ${JSON.stringify(object)}}`) as unknown,
      ),
    )
    .map(([object, place, change]) => {
      const known = Object.keys(object as object);
      return change(object as Record<string, unknown>, known[place % Math.max(known.length, 1)] ?? 'id');
    });
