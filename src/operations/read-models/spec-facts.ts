/**
 * The few facts of a task's spec that pictures need. A spec is named by its hash and never changes, so what was read once is kept.
 */
import type { StoreReader } from '../../persistence/store.ts';
import { decodeSpec, TASK_DEFAULTS } from '../../supervisor/specs/task-spec.ts';

export type SpecFacts = { readonly dependsOn: readonly string[]; readonly runtimeMode: string };

/** Specs kept, each a few hundred bytes: more than one picture shows. */
const KEPT_MAX = 4_000;
const kept = new Map<string, SpecFacts>();

/** Of a spec that is missing or damaged: `doctor` says what is wrong with it, a picture goes on without its edges. */
const UNKNOWN: SpecFacts = { dependsOn: [], runtimeMode: TASK_DEFAULTS.runtimeMode };

export const specFacts = async (reader: Pick<StoreReader, 'getBlob'>, hash: string): Promise<SpecFacts> => {
  const known = kept.get(hash);
  if (known !== undefined) return known;
  const data = await reader.getBlob(hash);
  const facts = data === null ? null : readFacts(data);
  if (facts === null) return UNKNOWN;
  if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!);
  kept.set(hash, facts);
  return facts;
};

const readFacts = (data: Uint8Array): SpecFacts | null => {
  try {
    const { dependsOn, runtimeMode } = decodeSpec(data);
    return { dependsOn: dependsOn.map(({ taskId }) => taskId), runtimeMode };
  } catch {
    return null; // See UNKNOWN.
  }
};
