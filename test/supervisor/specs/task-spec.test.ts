/**
 * Goal: a spec has one address and survives storage; what is damaged, newer or out of bounds is told apart.
 * Method: properties over canonical JSON and specs, and a table of wrong ones.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isConductorError } from '../../../src/machines/errors.ts';
import { canonicalJson, sha256 } from '../../../src/supervisor/specs/canonical-json.ts';
import {
  createSpec,
  decodeSpec,
  encodeSpec,
  placePrompt,
  runPolicyOf,
  TASK_LIMITS,
  type TaskSpec,
} from '../../../src/supervisor/specs/task-spec.ts';

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, shuffled(member)]),
  );
};

const codeOf = (act: () => unknown): string | null => {
  try {
    act();
    return null;
  } catch (error) {
    return isConductorError(error) ? error.code : String(error);
  }
};
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('canonical JSON', () => {
  test('S2: the order of keys does not change it, and it reads back as the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('what JSON cannot say is refused', () => {
    expect(() => canonicalJson(Number.NaN)).toThrow(TypeError);
    expect(() => canonicalJson(() => 1)).toThrow(TypeError);
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
    let deep: unknown = 1;
    for (let level = 0; level < 100; level += 1) deep = [deep];
    expect(() => canonicalJson(deep)).toThrow(RangeError);
  });
});

describe('a task spec', () => {
  const spec = createSpec({ title: 'Build it', run: ['make', 'all'], env: { B: '2', A: '1' }, verify: ['make test'] });

  test('S1: it comes back from storage as it went in, under the hash of its bytes', () => {
    const { hash, data } = encodeSpec(spec);
    expect(hash).toBe(sha256(data));
    expect(decodeSpec(data)).toEqual(spec);
    expect(encodeSpec(shuffled(spec) as TaskSpec).hash).toBe(hash);
    expect(encodeSpec({ ...spec, title: 'Build that' }).hash).not.toBe(hash);
  });

  test('bytes that are no spec are damage, a later format is not', () => {
    expect(codeOf(() => decodeSpec(new Uint8Array([0xff, 0xfe])))).toBe('store_damaged');
    expect(codeOf(() => decodeSpec(bytes(null)))).toBe('store_damaged');
    expect(codeOf(() => decodeSpec(bytes({ schemaVersion: 1, ...spec, colour: 'red' })))).toBe('store_damaged');
    expect(codeOf(() => decodeSpec(bytes({ schemaVersion: 2, ...spec })))).toBe('store_too_new');
  });

  test.each<[string, Partial<TaskSpec>]>([
    ['title', { title: '' }],
    ['timeoutMs', { timeoutMs: 999 }],
    ['env', { env: { CONDUCTOR_HOME: '/tmp' } }],
    ['verify', { verify: Array.from({ length: TASK_LIMITS.commandsMax + 1 }, () => 'true') }],
    ['run', { run: [] }],
    ['retry', { retry: { maxAttempts: 0, backoffMs: 0, backoffMaxMs: 0 } }],
  ])('a wrong %s is refused by name', (field, wrong) => {
    expect(() => encodeSpec({ ...spec, ...wrong })).toThrow(field);
    expect(codeOf(() => encodeSpec({ ...spec, ...wrong }))).toBe('invalid_params');
  });

  test('0 switches a limit off', () => {
    expect(decodeSpec(encodeSpec({ ...spec, timeoutMs: 0, idleMs: 0 }).data)).toMatchObject({
      timeoutMs: 0,
      idleMs: 0,
    });
  });

  test('S4: a long prompt has a blob of its own', () => {
    const long = 'x'.repeat(TASK_LIMITS.promptInlineMax + 1);
    const placed = placePrompt(long);
    expect(placed).toMatchObject({ prompt: null, promptBlob: sha256(long), blob: { hash: sha256(long) } });
    expect(placePrompt('short')).toEqual({ prompt: 'short', promptBlob: null, blob: null });
  });

  test('a task without commands to verify does not verify', () => {
    expect(runPolicyOf(spec).verifies).toBe(true);
    expect(runPolicyOf({ ...spec, verify: [] })).toMatchObject({ verifies: false, completion: 'explicit' });
  });
});
