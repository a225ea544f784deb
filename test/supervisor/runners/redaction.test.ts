/**
 * Goal: no value leaves a stream, however the stream is cut; everything else passes untouched.
 * Method: properties over values, surroundings and cuts, and the forms that real programs make of a secret.
 */
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { REDACTED, SECRET_BYTES_MAX, SecretSet, StreamRedactor } from '../../../src/supervisor/runners/redaction.ts';

const through = (values: readonly string[], chunks: readonly Buffer[]): Buffer => {
  const stream = new StreamRedactor(new SecretSet(values));
  return Buffer.concat([...chunks.map((chunk) => stream.push(chunk)), stream.flush()]);
};

const cut = (bytes: Buffer, cuts: readonly number[]): Buffer[] => {
  const places = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b);
  return [0, ...places].map((start, index) => bytes.subarray(start, places[index] ?? bytes.length));
};

// Characters that «[redacted]» does not contain: a value made of its letters could be spelled by the replacement itself.
const value = fc.string({
  unit: fc.constantFrom('x', 'y', 'Z', '7', '/', '+', ' ', '"', 'ü', '%'),
  minLength: 4,
  maxLength: 24,
});
const around = fc.string({ unit: fc.constantFrom('x', 'y', 'Z', '7', ' ', '\n', 'é'), maxLength: 20 });

const encodings: Record<string, (text: string, before: string) => string> = {
  plain: (text, before) => before + text,
  json: (text, before) => JSON.stringify(before + text),
  url: (text, before) => encodeURIComponent(before + text),
  form: (text, before) => new URLSearchParams({ k: before + text }).toString(),
};

describe('R1: no cut of the stream lets a value pass', () => {
  test.each(Object.keys(encodings))('%s', (name) => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 4 }),
        fc.array(around, { minLength: 5, maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 12 }),
        (values, texts, cuts) => {
          const encode = encodings[name]!;
          const stream = Buffer.from(values.map((text, index) => encode(text, texts[index]!)).join(texts[4]));
          const out = through(values, cut(stream, cuts)).toString();
          for (const text of values) {
            expect(out).not.toContain(text);
            if (name === 'url') expect(out).not.toContain(encodeURIComponent(text));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('base64 in every alignment, wrapped or not', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 12, maxLength: 120, unit: fc.constantFrom('x', 'y', 'Q', '9', '?', '>') }),
        fc.tuple(fc.nat({ max: 40 }), fc.nat({ max: 40 })),
        fc.array(fc.nat(), { maxLength: 12 }),
        (secret, [before, after], cuts) => {
          const text = Buffer.from('-'.repeat(before) + secret + '-'.repeat(after)).toString('base64');
          for (const wrapped of [text, text.replaceAll(/.{76}/g, '$&\n')]) {
            const out = through([secret], cut(Buffer.from(wrapped), cuts)).toString();
            expect(Buffer.from(out.replaceAll('\n', ''), 'base64').toString('latin1')).not.toContain(secret);
            expect(out).toContain(REDACTED);
          }
        },
      ),
    );
  });

  test('two values that overlap are one gap, and neither shows a remainder', () => {
    expect(through(['abcdef', 'defghi'], [Buffer.from('1abcdefghi2')]).toString()).toBe('1[redacted]2');
    expect(through(['abcdefgh', 'cdef'], [Buffer.from('1abcd'), Buffer.from('efgh2')]).toString()).toBe('1[redacted]2');
    expect(through(['abcdefgh', 'cdef'], [Buffer.from('1abcdefg'), Buffer.from('2')]).toString()).toBe(
      '1ab[redacted]g2',
    );
  });

  test('a key of several lines, also through a terminal', () => {
    const lines = ['-- first line of the key --', 'MIIEvQIBADANBgkqhkiG9w0', 'last'];
    for (const text of [lines.join('\n'), lines.join('\r\n'), lines[1]!]) {
      expect(through([lines.join('\n')], cut(Buffer.from(`<${text}>`), [9, 30])).toString()).toBe('<[redacted]>');
    }
  });

  test('as base64(1) of the system prints it', () => {
    const secret = 'a rather long secret, longer than the seventy-six characters that one line of base64 holds';
    const out = execFileSync('sh', ['-c', 'printf "user:%s" "$S" | base64'], { env: { ...process.env, S: secret } });
    const clean = through([secret], cut(out, [10, 75, 76, 77]));
    expect(Buffer.from(clean.toString().replaceAll('\n', ''), 'base64').toString('latin1')).not.toContain('secret');
  });
});

describe('what is no value', () => {
  test('R2: passes byte for byte, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(fc.nat(), { maxLength: 10 }), (bytes, cuts) => {
        const out = through(['a secret that is not there'], cut(Buffer.from(bytes), cuts));
        expect(out.equals(Buffer.from(bytes))).toBe(true);
      }),
    );
  });

  test('R3: only the beginning of a value is held back', () => {
    const stream = new StreamRedactor(new SecretSet(['hunter22']));
    expect(stream.push(Buffer.from('Password: ')).toString()).toBe('Password: ');
    expect(stream.push(Buffer.from('is hunt')).toString()).toBe('is ');
    expect(stream.push(Buffer.from('ing')).toString()).toBe('hunting');
  });

  test('all 256 byte values in one secret', () => {
    const all = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join('') + 'äöüß€';
    expect(through([all], [Buffer.from(`1${all}2`)]).toString()).toBe('1[redacted]2');
  });

  test('values of three bytes stay, and too many bytes of values are refused', () => {
    expect(through(['dev'], [Buffer.from('dev')]).toString()).toBe('dev');
    expect(() => new SecretSet(['x'.repeat(SECRET_BYTES_MAX + 1)])).toThrow(RangeError);
  });
});

test('R4: vendor keys and private keys go as far as they are recognised', () => {
  const pem = `-----BEGIN RSA PRIVATE KEY-----\n${'QUJD\n'.repeat(40)}-----END RSA PRIVATE KEY-----`;
  const text = `a ghp_${'a1'.repeat(18)} b AKIAABCDEFGHIJKLMNOP c ${pem} d`;
  for (const cuts of [[], [10, 60, 90, 130], [7, 8, 9, 200]]) {
    expect(through([], cut(Buffer.from(text), cuts)).toString()).toBe('a [redacted] b [redacted] c [redacted] d');
  }
});
