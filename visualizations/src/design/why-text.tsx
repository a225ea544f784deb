/** Why something stands where it stands: what the agent itself said of it is marked as its words. */
import type { Why } from '../../../src/machines/run/ends.ts';
import { SafeText } from './model-text.tsx';
import { Said } from './said.tsx';

export const WhyText = ({ reason, said }: Why) => (
  <>
    {reason === null ? null : <SafeText text={reason} />}
    {reason === null || said === null ? null : ': '}
    {said === null ? null : <Said text={said} />}
  </>
);
