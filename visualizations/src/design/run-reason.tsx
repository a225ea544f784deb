/** Why a run ended, in the words of whoever wrote it: the agent's own are marked as such. */
import { isSaidByAgent, RUN_ENDS, type EndReason } from '../../../src/machines/run/ends.ts';
import { SafeText } from './model-text.tsx';
import { Said } from './said.tsx';

type Ended = { readonly end: string | null; readonly reason: string | null };

const isEnd = (end: string | null): end is EndReason => end !== null && end in RUN_ENDS;

/** What the system says of the end; null for a run that has not ended. */
export const endSays = (end: string | null): string | null => (isEnd(end) ? RUN_ENDS[end].says : end);

/** Whether the reason is the agent's own word. */
export const isReasonSaid = ({ end, reason }: Ended): boolean =>
  isEnd(end) && isSaidByAgent(end) && reason !== null && reason !== RUN_ENDS[end].says;

/** @param text Default: the reason of the run. */
export const RunReason = ({
  run,
  text = run.reason ?? endSays(run.end) ?? '',
}: {
  readonly run: Ended;
  readonly text?: string;
}) => (isReasonSaid(run) && text === run.reason ? <Said text={text} /> : <SafeText text={text} />);
