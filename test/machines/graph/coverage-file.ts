/** Writes what the suites exercised: one part per suite, and `coverage/machines.json` of all for people and the inspector. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Path } from './cover.ts';
import type { Exploration } from './explore.ts';

export type MachineCoverage = {
  readonly machine: string;
  readonly version: string;
  /** How often each transition was taken; 0: never. */
  readonly transitions: Readonly<Record<string, number>>;
  /** `"state event"` → how often that event was tried there and rightly ignored. */
  readonly ignored: Readonly<Record<string, number>>;
  /** Transitions that no case can reach, each with its reason. */
  readonly unreachable: Readonly<Record<string, string>>;
};

type Counts = Record<string, number>;
const count = (counts: Counts, name: string, more = 1): void => {
  counts[name] = (counts[name] ?? 0) + more;
};

export function coverageOf(graph: Exploration, paths: readonly Path[]): MachineCoverage {
  const transitions: Counts = Object.fromEntries(graph.all.map((id) => [id, 0]));
  const ignored: Counts = {};
  for (const { start, steps } of paths) {
    for (const id of start.taken) count(transitions, id);
    for (const step of steps) {
      for (const id of step.taken) count(transitions, id);
      if (step.ignored) count(ignored, `${nameOf(step.snapshot.value)} ${step.event.type}`);
    }
  }
  const { name, machine, unreachable } = graph.subject;
  return { machine: name, version: machine.version ?? '', transitions, ignored, unreachable };
}

/** `{starting: 'fencing'}` as `starting.fencing`. */
export const nameOf = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? Object.entries(value)
        .map(([key, inner]) => `${key}.${nameOf(inner)}`)
        .join(' & ')
    : String(value);

const PARTS = 'machines';

/** Each suite replaces its own part; they are put together when all have ended. */
export function writeCoverage(suite: string, machines: readonly MachineCoverage[], folder = 'coverage'): void {
  mkdirSync(join(folder, PARTS), { recursive: true });
  writeWhole(join(folder, PARTS, `${suite}.json`), machines);
}

/** Adds the counts of all suites. A part that was taken of another version of a machine says nothing of this one and is left out. */
export function mergeCoverage(versionOf: (machine: string) => string | undefined, folder = 'coverage'): void {
  const parts = join(folder, PARTS);
  if (!existsSync(parts)) return;
  const all = readdirSync(parts)
    .toSorted()
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => JSON.parse(readFileSync(join(parts, name), 'utf8')) as MachineCoverage[])
    .filter(({ machine, version }) => version === versionOf(machine));
  const merged = new Map<string, MachineCoverage & { transitions: Counts; ignored: Counts }>();
  for (const { machine, version, transitions, ignored, unreachable } of all) {
    const sum = merged.get(machine) ?? { machine, version, transitions: {}, ignored: {}, unreachable };
    for (const [id, n] of Object.entries(transitions)) count(sum.transitions, id, n);
    for (const [id, n] of Object.entries(ignored)) count(sum.ignored, id, n);
    merged.set(machine, sum);
  }
  writeWhole(join(folder, 'machines.json'), [...merged.values()]);
}

function writeWhole(path: string, value: unknown): void {
  const staged = `${path}.${String(process.pid)}`;
  writeFileSync(staged, `${JSON.stringify(value, null, 1)}\n`);
  renameSync(staged, path);
}
