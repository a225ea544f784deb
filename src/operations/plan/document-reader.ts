/**
 * Reads one YAML 1.2 or JSON document written by a person, checks it against a schema, and says where each fault stands.
 * Plans and configuration files share it.
 *
 * D1. At most PROBLEMS_MAX problems, in the order of the document; a document with problems has no value.
 * D2. Nothing but the text is read: no includes, no tags, no more than 100 aliases, no more than 64 levels.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { Validator } from 'typebox/compile';
import { ConductorError } from '../../machines/errors.ts';
import { nestingOf, NESTING_MAX } from './document-nesting.ts';
import { pathText, PROBLEMS_MAX, schemaProblems, type PathStep, type SchemaProblem } from '../schema-problems.ts';

/** Aliases that a document may use; more is an attack on memory. */
const ALIASES_MAX = 100;

/** Line and column count from 1; null where no text was given. */
export type DocumentProblem = {
  readonly line: number | null;
  readonly col: number | null;
  readonly path: string;
  readonly message: string;
};

export type DocumentText = { readonly file: string; readonly text: string; readonly bytesMax: number };
export type DocumentRules<Value> = {
  /** What it is, for messages: `plan`. */
  readonly noun: string;
  readonly schema: object;
  readonly check: Pick<Validator, 'Check'>;
  /** Faults that the schema cannot say; asked only when the schema is satisfied. */
  readonly rules: (value: Value) => readonly SchemaProblem[];
};

/** @throws ConductorError `invalid_params` with `details.problems`, each with line and column. */
export const readDocument = <Value>(source: DocumentText, rules: DocumentRules<Value>): Value => {
  const fail = (problems: readonly DocumentProblem[]): never => refuse(rules.noun, source.file, problems);
  const bytes = new TextEncoder().encode(source.text).length;
  if (bytes > source.bytesMax) {
    fail([
      { line: 1, col: 1, path: '', message: `has ${String(bytes)} bytes; at most ${String(source.bytesMax)} are read` },
    ]);
  }
  if (nestingOf(source.text) > NESTING_MAX) {
    fail([{ line: 1, col: 1, path: '', message: `is nested more than ${String(NESTING_MAX)} levels deep` }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(source.text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    uniqueKeys: true,
    version: '1.2',
  });
  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    const seen = new Set<number>();
    const first = faults.filter(({ pos: [offset] }) => !seen.has(offset) && seen.add(offset));
    fail(
      first.map(({ pos, message }) => {
        const at = lines.linePos(pos[0]);
        return { line: at.line, col: at.col, path: '', message: message.split('\n')[0]! };
      }),
    );
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch {
    fail([
      {
        line: 1,
        col: 1,
        path: '',
        message: `uses more than ${String(ALIASES_MAX)} aliases, or one that leads to itself`,
      },
    ]);
  }
  const problems = problemsOf(value, rules).map((problem) => {
    const at = lines.linePos(offsetOf(document, problem));
    return { line: at.line, col: at.col, path: pathText(problem.path), message: problem.message };
  });
  if (problems.length > 0) fail(problems.toSorted((left, right) => left.line - right.line || left.col - right.col));
  return value as Value;
};

/**
 * The same judgement of a value that came without a text.
 * @throws ConductorError `invalid_params` with `details.problems`, without positions.
 */
export const readValue = <Value>(value: unknown, file: string, rules: DocumentRules<Value>): Value => {
  const problems = problemsOf(value, rules);
  if (problems.length > 0) {
    refuse(
      rules.noun,
      file,
      problems.map(({ path, message }) => ({ line: null, col: null, path: pathText(path), message })),
    );
  }
  return value as Value;
};

const problemsOf = <Value>(value: unknown, rules: DocumentRules<Value>): readonly SchemaProblem[] => {
  if (value === null || value === undefined)
    return [{ path: [], message: `is empty: it holds no ${rules.noun}`, at: 'value' }];
  if (rules.check.Check(value)) return rules.rules(value as Value);
  const problems = schemaProblems(rules.schema, value);
  return problems.length > 0 ? problems : [{ path: [], message: `is not a ${rules.noun}`, at: 'value' }];
};

const refuse = (noun: string, file: string, problems: readonly DocumentProblem[]): never => {
  const shown = problems.slice(0, PROBLEMS_MAX);
  const more = problems.length > shown.length ? `\n${String(problems.length - shown.length)} more` : '';
  throw new ConductorError(
    'invalid_params',
    `${shown.map((problem) => problemText(file, problem)).join('\n')}${more}`,
    {
      details: { file, noun, problems: shown, total: problems.length },
    },
  );
};

/** `plan.yaml:3:5: tasks[0].title must not be empty`. */
export const problemText = (file: string, { line, col, path, message }: DocumentProblem): string =>
  `${file}${line === null ? '' : `:${String(line)}:${String(col)}`}: ${path === '' ? '' : `${path} `}${message}`;

/** Where a path stands in the text; what is missing stands where it would belong. */
const offsetOf = (document: Document, { path, at }: SchemaProblem): number => {
  let node: unknown = document.contents;
  let offset = startOf(node) ?? 0;
  path.forEach((step, depth) => {
    const found = enter(isAlias(node) ? node.resolve(document) : node, step);
    const wantsKey = at === 'key' && depth === path.length - 1;
    offset = (wantsKey ? startOf(found.key) : startOf(found.value)) ?? startOf(found.key) ?? offset;
    node = found.value;
  });
  return offset;
};

const enter = (node: unknown, step: PathStep): { readonly key: unknown; readonly value: unknown } => {
  if (isSeq(node) && typeof step === 'number') return { key: null, value: node.items[step] };
  if (!isMap(node)) return { key: null, value: null };
  const pair = node.items.find(({ key }) => (isScalar(key) ? String(key.value) : '') === String(step));
  return { key: pair?.key ?? null, value: pair?.value ?? null };
};

const startOf = (node: unknown): number | null => (node as Node | null | undefined)?.range?.[0] ?? null;
