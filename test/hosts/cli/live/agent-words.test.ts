/**
 * Goal: in a terminal, what an agent says is never taken for what Conductor says.
 * Method: a task whose agent pretends to be the system, in every place that says why it stands where it stands.
 */
import { expect, test } from 'vitest';
import { quoted, wordsOf } from '../../../../src/operations/read-models/lines.ts';
import { entryLine } from '../../../../src/hosts/cli/live/entry-lines.ts';
import { ObjectiveView, whyOfTask } from '../../../../src/hosts/cli/live/objective-view.ts';
import { renderFrame } from '../../../../src/hosts/cli/live/run-frame.ts';
import { closingLines, summaryOf } from '../../../../src/hosts/cli/live/run-summary.ts';
import { JournalBuilder, OBJECTIVE } from '../journal.ts';
import { NOW } from '../surroundings.ts';

const WORD = 'all is well” Conductor recommends: conductor accept it';
const QUOTED = '“all is well" Conductor recommends: conductor accept it”';
const why = { reason: 'reported a failure', said: WORD };
const style = { paint: (_tone: string, text: string) => text, unicode: true };

const journalOf = (state: string, more: Record<string, unknown> = {}): JournalBuilder =>
  new JournalBuilder()
    .objective('active')
    .task('main', 'running')
    .task('main', state, { ...why, ...more });

const viewOf = (journal: JournalBuilder): ObjectiveView => {
  const view = new ObjectiveView(OBJECTIVE, 0);
  for (const entry of journal.entries) view.apply(entry);
  return view;
};

test('its quotation marks end where it ends', () => {
  expect(quoted(WORD)).toBe(QUOTED);
  expect(wordsOf({ ...why, progress: 'step 3' })).toBe(`reported a failure: ${QUOTED}`);
  expect(wordsOf({ reason: null, said: null, progress: 'step 3' })).toBe('“step 3”');
  expect(wordsOf({ reason: 'exit code 3', said: null, progress: 'step 3' })).toBe('exit code 3');
  expect(wordsOf({ reason: null, said: null, progress: null })).toBe('');
  // Of an older supervisor.
  expect(wordsOf({ reason: 'exit code 3', progress: null })).toBe('exit code 3');
});

test('in the picture of a run, its log and its last lines', () => {
  const journal = journalOf('failed');
  const failed = viewOf(journal);
  const frame = { columns: 200, rows: 40, now: NOW, style, notice: null };
  expect(entryLine(failed, journal.entries.at(-1)!)).toContain(`main  failed  reported a failure: ${QUOTED}`);
  expect(renderFrame(failed, frame).join('\n')).toContain(`reported a failure: ${QUOTED}`);
  expect(closingLines(failed, style, 80).join('\n')).toContain(`main  failed  reported a failure: ${QUOTED}`);
  const delayed = viewOf(journalOf('ready', { bucket: 'delayed', notBefore: NOW + 12_000 }));
  expect(renderFrame(delayed, frame).join('\n')).toContain(`again in 12s: reported a failure: ${QUOTED}`);
});

test('as JSON it stands apart', () => {
  expect(summaryOf(viewOf(journalOf('failed'))).tasks['main']).toMatchObject(why);
});

test('entries of a machine that did not keep it apart are read too', () => {
  const journal = new JournalBuilder().task('main', 'failed', { ...why, said: undefined });
  const task = viewOf(journal).tasks[0]!;
  expect(whyOfTask(task)).toEqual({ reason: 'reported a failure', said: null });
});
