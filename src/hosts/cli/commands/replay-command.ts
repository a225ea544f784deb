/** `replay`: re-runs journalled events with the machines of this version and tells every difference. Reads only. */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { numberOf, textOf } from '../option-values.ts';
import { fitText, oneLine } from '../output/text-width.ts';
import { countText } from '../output/time-text.ts';
import { findPlace } from '../project-place.ts';
import type { ReplaySummary } from '../../../supervisor/kernel/replay.ts';

const SHOWN_MAX = 20;
const SEQ_MAX = Number.MAX_SAFE_INTEGER;

export const replayCommand: CommandDefinition = {
  name: 'replay',
  summary: 'run the journal through the machines again and compare',
  options: [
    { flags: '--actor <id>', description: 'only this one: an id, or enough of its beginning' },
    { flags: '--from <seq>', description: 'from this entry on', range: { min: 1, max: SEQ_MAX } },
    { flags: '--until <seq>', description: 'up to this entry', range: { min: 1, max: SEQ_MAX } },
  ],
  notes: 'Exit code 1 with differences.',
  examples: ['conductor replay', 'conductor replay --actor run-01kb2'],
  run: async ({ context, options }) => {
    const prefix = textOf(options, 'actor');
    const from = numberOf(options, 'from');
    const until = numberOf(options, 'until');
    const actor = prefix === null ? null : (await resolvePrefix(await context.openPort('read'), prefix)).id;
    const { paths } = await findPlace(context.repo, context.io.env);
    const { openSqliteReader } = await import('../../../persistence/sqlite-reader.ts');
    const { replayJournal } = await import('../../../supervisor/kernel/replay.ts');
    const reader = await openSqliteReader(paths.database);
    try {
      const result = await replayJournal(reader, undefined, {
        ...(actor === null ? {} : { actor }),
        ...(from === null ? {} : { from }),
        ...(until === null ? {} : { to: until }),
      });
      context.report.result(result, () => replayLines(result, context.report.columns));
      return result.differences.length === 0 ? EXIT.done : EXIT.refused;
    } finally {
      await reader.close();
    }
  },
};

/** Pure. */
export const replayLines = (
  { entries, entities, skipped, archived, differences }: ReplaySummary,
  columns: number,
): string[] => {
  const counts = [
    `${countText(entries)} ${entries === 1 ? 'entry' : 'entries'}`,
    `${countText(entities)} ${entities === 1 ? 'entity' : 'entities'}`,
    `${countText(differences.length)} ${differences.length === 1 ? 'difference' : 'differences'}`,
    ...(skipped === 0 ? [] : [`${countText(skipped)} of other versions not judged`]),
    ...(archived === 0 ? [] : [`${countText(archived)} archived and skipped`]),
  ];
  const shown = differences
    .slice(0, SHOWN_MAX)
    .map(({ seq, actor, event, what }) => fitText(`${String(seq)}  ${actor}  ${event}  ${oneLine(what)}`, columns));
  const more = differences.length - shown.length;
  return [counts.join(', '), ...shown, ...(more > 0 ? [`and ${countText(more)} more: --json shows them all`] : [])];
};
