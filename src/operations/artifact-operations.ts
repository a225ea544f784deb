/**
 * Artifacts: evidence listed and read. A read touches the stored copy under its content hash and nothing else: no path that
 * somebody wrote down, no link, no worktree.
 */
import { Type } from 'typebox';
import type { ArtifactRow } from '../persistence/store.ts';
import { notFound, type HandlerContext } from './operation-context.ts';
import { defineOperation, READERS, said } from './operation.ts';
import {
  artifactId,
  closed,
  maybeText,
  objectiveId,
  oneOf,
  optional,
  pageParams,
  runId,
  taskId,
} from './parameter-schemas.ts';
import { ArtifactItemSchema, pageSchema } from './read-models/item-schemas.ts';
import { artifactLine, pageText } from './read-models/lines.ts';
import { listArtifacts } from './read-models/lists.ts';

const BYTES_DEFAULT = 8_192;
const BYTES_MAX = 1_048_576;
/** Where a text came from; `none`: there is none to show. */
const SOURCES = ['artifact_file', 'archive', 'none'] as const;
/** A NUL among the first bytes: not a text. */
const PROBE_BYTES = 1_024;

export const listArtifactsOperation = defineOperation({
  name: 'conductor_list_artifacts',
  title: 'List artifacts',
  description: 'Evidence of runs: logs, diffs, test results, reports. Newest first.',
  params: closed({
    type: optional(
      Type.String({ minLength: 1, maxLength: 64 }),
      'log, changed_files, test_result, completion_report, note, …',
    ),
    objectiveId: Type.Optional(objectiveId),
    taskId: Type.Optional(taskId),
    runId: Type.Optional(runId),
    ...pageParams,
  }),
  result: pageSchema(ArtifactItemSchema),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const page = await listArtifacts(context, params);
    return said(pageText(page, artifactLine, 'artifacts'), page);
  },
});

export const readArtifact = defineOperation({
  name: 'conductor_read_artifact',
  title: 'Read an artifact',
  description:
    'The text of an artifact, at most maxBytes from its beginning, also of one that was archived. What is not a text is described, ' +
    'not shown.',
  params: closed({
    artifactId,
    maxBytes: optional(Type.Integer({ minimum: 1, maximum: BYTES_MAX }), `Default: ${String(BYTES_DEFAULT)}.`),
  }),
  result: closed({
    artifactId: Type.String(),
    type: Type.String(),
    name: Type.String(),
    bytes: Type.Integer(),
    content: maybeText,
    /** More is stored than was read, or more was produced than is stored. */
    truncated: Type.Boolean(),
    diagnostic: maybeText,
    contentSource: oneOf(SOURCES),
  }),
  principals: READERS,
  mutates: false,
  handler: async (context, params) => {
    const maxBytes = params.maxBytes ?? BYTES_DEFAULT;
    const { row, data, source } = await findCopy(context, params.artifactId, maxBytes);
    const read = readable(row, data, { maxBytes, source });
    const details = { artifactId: row.artifactId, type: row.type, name: row.name, bytes: row.bytes, ...read };
    return said([read.content, read.diagnostic].filter((part) => part !== null).join('\n'), details);
  },
});

type Source = Exclude<(typeof SOURCES)[number], 'none'>;
type Copy = { readonly row: ArtifactRow; readonly data: Uint8Array | null; readonly source: Source };

/** @throws ConductorError `not_found` */
const findCopy = async (context: HandlerContext, id: string, maxBytes: number): Promise<Copy> => {
  const { reader, artifacts } = context;
  const row = await reader.getArtifact(id);
  if (row !== null) return { row, data: await artifacts.read(row, maxBytes), source: 'artifact_file' };
  const archive = await reader.findArchived(id);
  const archived = archive === null ? null : await artifacts.readArchived(archive, { artifactId: id, maxBytes });
  if (archived === null) throw await notFound(reader, id);
  return { ...archived, source: 'archive' };
};

type Readable = {
  readonly content: string | null;
  readonly truncated: boolean;
  readonly diagnostic: string | null;
  readonly contentSource: (typeof SOURCES)[number];
};

const none = (diagnostic: string): Readable => ({ content: null, truncated: false, diagnostic, contentSource: 'none' });

const readable = (
  row: ArtifactRow,
  data: Uint8Array | null,
  { maxBytes, source }: { readonly maxBytes: number; readonly source: Source },
): Readable => {
  if (data === null) return none('its stored copy is gone: conductor doctor');
  const bytes = data.subarray(0, maxBytes);
  if (bytes.subarray(0, PROBE_BYTES).includes(0)) return none(`it is not a text (${String(row.bytes)} bytes)`);
  const isCut = row.bytes > bytes.byteLength;
  // `stream` leaves an unfinished last character out instead of replacing it.
  const content = new TextDecoder().decode(bytes, { stream: isCut });
  const cuts = [
    ...(isCut ? [`cut after ${String(bytes.byteLength)} of ${String(row.bytes)} bytes`] : []),
    ...(row.truncated ? ['the stored copy itself is cut'] : []),
  ];
  return {
    content,
    truncated: isCut || row.truncated,
    diagnostic: cuts.length === 0 ? null : `(${cuts.join('; ')})`,
    contentSource: source,
  };
};

export const artifactOperations = [listArtifactsOperation, readArtifact] as const;
