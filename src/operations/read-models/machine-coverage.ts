/** What the generated tests exercised of a machine, read from `coverage/machines.json` as they write it. */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';

const counts = Type.Record(Type.String(), Type.Integer({ minimum: 0 }));

export const CoverageSchema = Type.Object(
  {
    /** How often each transition was taken. */
    transitions: counts,
    /** `state event` → how often that event was rightly ignored there. */
    ignored: counts,
    /** Transitions that no test can reach, each with its reason. */
    unreachable: Type.Record(Type.String(), Type.String()),
  },
  { additionalProperties: false },
);
export type Coverage = Static<typeof CoverageSchema>;

const isFile = Compile(
  Type.Array(Type.Object({ machine: Type.String(), version: Type.String(), ...CoverageSchema.properties })),
);

/** @returns null when nobody measured this version, or what is there is no such file: a chart is worth showing without. */
export const coverageIn = (
  text: string | null,
  { machine, version }: { readonly machine: string; readonly version: string },
): Coverage | null => {
  const measured = text === null ? null : parsed(text);
  if (!isFile.Check(measured)) return null;
  const found = measured.find((one) => one.machine === machine && one.version === version);
  return found === undefined
    ? null
    : { transitions: found.transitions, ignored: found.ignored, unreachable: found.unreachable };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null; // A file that is being replaced, or is none: see above.
  }
};
